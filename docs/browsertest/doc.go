// Package browsertest opens the project's pages in a headless Chromium: the
// demonstration, the page of neuralode serve and the reports. Its tests are
// skipped where no Chromium is installed. It is a module of its own, so that
// the driver of the browser is no dependency of the library.
package browsertest

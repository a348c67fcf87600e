// Package lu solves dense systems of linear equations by LU factorisation.
package lu

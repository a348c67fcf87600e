// Times OpenBLAS on one thread on the products of BenchmarkGemm: the least of many
// repetitions, in Gflop/s. OPENBLAS_CORETYPE=Haswell is its code for AVX2.
// gcc -O3 openblas.c -o openblas -lopenblas && ./openblas
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void openblas_set_num_threads(int);
char *openblas_get_corename(void);

static const struct {
  const char *form;
  int m, n, k;
} shapes[] = {
    {"NN", 64, 64, 64}, {"NT", 64, 64, 64}, {"TN", 64, 64, 64},
    {"NN", 128, 128, 128}, {"NT", 128, 128, 128}, {"TN", 128, 128, 128},
    {"NN", 256, 256, 256}, {"NT", 256, 256, 256}, {"TN", 256, 256, 256},
    {"NN", 512, 512, 512}, {"NT", 512, 512, 512}, {"TN", 512, 512, 512},
    {"NN", 1, 64, 2}, {"NN", 1, 2, 64}, {"NT", 1, 64, 2}, {"NT", 1, 2, 64}, {"TN", 2, 64, 1}, {"TN", 64, 2, 1},
    {"NN", 64, 64, 2}, {"NN", 64, 2, 64}, {"NT", 64, 64, 2}, {"NT", 64, 2, 64}, {"TN", 2, 64, 64}, {"TN", 64, 2, 64},
    {"NN", 1024, 64, 2}, {"NN", 1024, 2, 64}, {"NT", 1024, 64, 2}, {"NT", 1024, 2, 64}, {"TN", 2, 64, 1024}, {"TN", 64, 2, 1024},
    {"NN", 256, 256, 64}, {"NN", 256, 64, 256}, {"NT", 256, 256, 64}, {"NT", 256, 64, 256}, {"TN", 64, 256, 256}, {"TN", 256, 64, 256},
    {"NN", 512, 256, 64}, {"NN", 512, 256, 256}, {"NN", 512, 64, 256}, {"NT", 512, 256, 64}, {"NT", 512, 256, 256}, {"NT", 512, 64, 256},
    {"TN", 64, 256, 512}, {"TN", 256, 256, 512}, {"TN", 256, 64, 512},
};

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static void *room(size_t n) { return aligned_alloc(64, (n + 63) / 64 * 64); }

// MEASURE declares a function that times the products of a width.
#define MEASURE(NAME, T, GEMM)                                                 \
  static void NAME(const char *form, int m, int n, int k) {                    \
    size_t sa = (size_t)m * k, sb = (size_t)k * n, sc = (size_t)m * n;         \
    T *a = room(sa * sizeof(T)), *b = room(sb * sizeof(T));                    \
    T *c = room(sc * sizeof(T));                                               \
    int ta = form[0] == 'T', tb = form[1] == 'T';                              \
    for (size_t i = 0; i < sa; i++) a[i] = rand() / (T)RAND_MAX - (T)0.5;      \
    for (size_t i = 0; i < sb; i++) b[i] = rand() / (T)RAND_MAX - (T)0.5;      \
    long repeat = 1 + 100000 / ((long)m * n * k);                              \
    double least = 1e30, end = now() + 1e8;                                    \
    while (now() < end) {                                                      \
      double t = now();                                                        \
      for (long i = 0; i < repeat; i++)                                        \
        GEMM(CblasRowMajor, ta ? CblasTrans : CblasNoTrans,                    \
             tb ? CblasTrans : CblasNoTrans, m, n, k, 1, a, ta ? m : k, b,     \
             tb ? k : n, 0, c, n);                                             \
      t = now() - t;                                                           \
      if (t < least) least = t;                                                \
    }                                                                          \
    printf("%-7s %s %d×%d×%d %.1f\n", #NAME, form, m, n, k,                    \
           2.0 * m * n * k * repeat / least);                                  \
    free(a), free(b), free(c);                                                 \
  }

MEASURE(float64, double, cblas_dgemm)
MEASURE(float32, float, cblas_sgemm)

int main(void) {
  openblas_set_num_threads(1);
  printf("# OpenBLAS for %s\n", openblas_get_corename());
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    float64(shapes[i].form, shapes[i].m, shapes[i].n, shapes[i].k);
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    float32(shapes[i].form, shapes[i].m, shapes[i].n, shapes[i].k);
}

// Times glibc's vector functions on the inputs of BenchmarkMath: 256 elements in
// the first cache, the least of many repetitions, in nanoseconds an element.
// gcc -O3 -march=native libmvec.c -o libmvec -lmvec -lm && ./libmvec
#include <immintrin.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define N 256
#define REPEAT 2000
#define ROUNDS 200

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

// MEASURE declares glibc's F on vectors V of T and a function that times it.
#define MEASURE(F, V, T, LOAD, STORE, LABEL)                                   \
  V F(V);                                                                      \
  static void time_##F(void) {                                                 \
    static T x[N] __attribute__((aligned(64))), y[N] __attribute__((aligned(64))); \
    srand(1);                                                                  \
    for (int i = 0; i < N; i++) {                                              \
      double s = 0; /* nearly normal */                                        \
      for (int k = 0; k < 12; k++) s += rand() / (double)RAND_MAX;             \
      x[i] = s - 6;                                                            \
      if (LABEL[0] == 'l') x[i] = x[i] < 0 ? -x[i] : x[i];                     \
    }                                                                          \
    double best = 1e30;                                                        \
    for (int r = 0; r < ROUNDS; r++) {                                         \
      double t = now();                                                        \
      for (int k = 0; k < REPEAT; k++)                                         \
        for (int i = 0; i < N; i += sizeof(V) / sizeof(T)) STORE(y + i, F(LOAD(x + i))); \
      t = (now() - t) / REPEAT / N;                                            \
      if (t < best) best = t;                                                  \
    }                                                                          \
    printf("%s/%zu/%zu %.3f\n", LABEL, 8 * sizeof(T), 8 * sizeof(V), best);   \
  }

#define FOUR(NAME, LABEL)                                                                    \
  MEASURE(_ZGVeN8v_##NAME, __m512d, double, _mm512_loadu_pd, _mm512_storeu_pd, LABEL)        \
  MEASURE(_ZGVdN4v_##NAME, __m256d, double, _mm256_loadu_pd, _mm256_storeu_pd, LABEL)        \
  MEASURE(_ZGVeN16v_##NAME##f, __m512, float, _mm512_loadu_ps, _mm512_storeu_ps, LABEL)      \
  MEASURE(_ZGVdN8v_##NAME##f, __m256, float, _mm256_loadu_ps, _mm256_storeu_ps, LABEL)
#define RUN(NAME) time__ZGVeN8v_##NAME(); time__ZGVdN4v_##NAME(); time__ZGVeN16v_##NAME##f(); time__ZGVdN8v_##NAME##f();

FOUR(exp, "exp")
FOUR(tanh, "tanh")
FOUR(log, "log")
FOUR(sin, "sin")
FOUR(cos, "cos")
FOUR(erf, "erf")
FOUR(log1p, "log1p")
FOUR(expm1, "expm1")

int main(void) {
  RUN(exp) RUN(tanh) RUN(log) RUN(sin) RUN(cos) RUN(erf) RUN(log1p) RUN(expm1)
}

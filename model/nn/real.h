/* real.h - the number that training computes with: float, or double in the gradient checks, which
 * build the same files with OUTRO_REAL_DOUBLE (tests/golden). Header only. */
#ifndef OUTRO_NN_REAL_H
#define OUTRO_NN_REAL_H

#ifdef OUTRO_REAL_DOUBLE
typedef double real;
#else
typedef float real;
#endif

#endif

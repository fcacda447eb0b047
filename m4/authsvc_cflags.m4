dnl SPDX-License-Identifier: Apache-2.0
dnl AX_AUTHSVC_CFLAGS: warnings, hardening, sanitizers and coverage.
dnl Sets AUTHSVC_CFLAGS, AUTHSVC_CPPFLAGS, AUTHSVC_LDFLAGS and FUZZ_ENGINE.
AC_DEFUN([AX_AUTHSVC_CFLAGS], [
  AC_ARG_ENABLE([werror],
    [AS_HELP_STRING([--enable-werror], [turn compiler warnings into errors])])
  AC_ARG_ENABLE([sanitizers],
    [AS_HELP_STRING([--enable-sanitizers], [AddressSanitizer and UndefinedBehaviorSanitizer])])
  AC_ARG_ENABLE([thread-sanitizer],
    [AS_HELP_STRING([--enable-thread-sanitizer], [ThreadSanitizer])])
  AC_ARG_ENABLE([coverage],
    [AS_HELP_STRING([--enable-coverage], [instrument for gcov])])
  AC_ARG_ENABLE([fuzzers],
    [AS_HELP_STRING([--enable-fuzzers],
      [link tests/fuzz with libFuzzer (CC=clang only); implies --enable-sanitizers])],
    [AS_IF([test "x$enable_fuzzers" = xyes], [enable_sanitizers=yes])])

  AUTHSVC_CFLAGS="-std=c11 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes"
  AUTHSVC_CFLAGS="$AUTHSVC_CFLAGS -Wformat=2 -Wpointer-arith -Wwrite-strings -Wvla -Wundef"
  AUTHSVC_CFLAGS="$AUTHSVC_CFLAGS -fvisibility=hidden -fno-common"
  AUTHSVC_CPPFLAGS=""
  AUTHSVC_LDFLAGS="-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack"
  AS_IF([test "x$enable_werror" = xyes], [AUTHSVC_CFLAGS="$AUTHSVC_CFLAGS -Werror"])
  AS_IF([test "x$enable_sanitizers" = xyes && test "x$enable_thread_sanitizer" = xyes],
    [AC_MSG_ERROR([--enable-sanitizers and --enable-thread-sanitizer exclude each other])])
  AS_IF([test "x$enable_sanitizers" = xyes], [
    AUTHSVC_CFLAGS="$AUTHSVC_CFLAGS -fsanitize=address,undefined -fno-sanitize-recover=undefined"
    AUTHSVC_CFLAGS="$AUTHSVC_CFLAGS -fno-omit-frame-pointer"
    AUTHSVC_LDFLAGS="$AUTHSVC_LDFLAGS -fsanitize=address,undefined"
  ], [test "x$enable_thread_sanitizer" = xyes], [
    AUTHSVC_CFLAGS="$AUTHSVC_CFLAGS -fsanitize=thread -fno-omit-frame-pointer"
    AUTHSVC_LDFLAGS="$AUTHSVC_LDFLAGS -fsanitize=thread"
  ], [
    AUTHSVC_CFLAGS="$AUTHSVC_CFLAGS -fstack-protector-strong -fstack-clash-protection"
    case "$CFLAGS" in
      *-O0*) ;;
      *-O*) AUTHSVC_CPPFLAGS="-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2" ;;
    esac
  ])
  AS_IF([test "x$enable_coverage" = xyes], [
    AUTHSVC_CFLAGS="$AUTHSVC_CFLAGS --coverage -fprofile-update=atomic"
    AUTHSVC_LDFLAGS="$AUTHSVC_LDFLAGS --coverage"
  ])
  FUZZ_ENGINE=
  AS_IF([test "x$enable_fuzzers" = xyes], [
    AUTHSVC_CFLAGS="$AUTHSVC_CFLAGS -fsanitize=fuzzer-no-link"
    FUZZ_ENGINE="-fsanitize=fuzzer"
  ])
  AM_CONDITIONAL([FUZZERS], [test "x$enable_fuzzers" = xyes])
  AM_CONDITIONAL([SANITIZERS], [test "x$enable_sanitizers" = xyes])
  AM_CONDITIONAL([THREAD_SANITIZER], [test "x$enable_thread_sanitizer" = xyes])
  AC_SUBST([AUTHSVC_CFLAGS])
  AC_SUBST([AUTHSVC_CPPFLAGS])
  AC_SUBST([AUTHSVC_LDFLAGS])
  AC_SUBST([FUZZ_ENGINE])
])

dnl SPDX-License-Identifier: Apache-2.0
dnl AX_AUTHSVC_HTTPD: find Apache httpd by apxs, and the APR it was built with.
dnl Sets HTTPD_CPPFLAGS, APR_CPPFLAGS, APR_LIBS, APACHECTL, moduledir and modconfdir.
AC_DEFUN([AX_AUTHSVC_HTTPD], [
  AC_ARG_WITH([apxs],
    [AS_HELP_STRING([--with-apxs=PATH], [the apxs of the httpd to build for])],
    [APXS=$withval], [APXS=])
  AS_IF([test -z "$APXS" || test "x$APXS" = xyes], [
    AC_PATH_PROGS([APXS], [apxs apxs2], [], [$PATH:/usr/sbin:/usr/local/apache2/bin])
  ])
  AS_IF([test -z "$APXS"], [AC_MSG_ERROR([apxs was not found (Debian: apache2-dev)])])
  httpd_includedir=`$APXS -q INCLUDEDIR` ||
    AC_MSG_ERROR([$APXS does not answer (Debian: apache2-dev)])
  HTTPD_CPPFLAGS="-I$httpd_includedir"

  APR_CONFIG=`$APXS -q APR_CONFIG`
  APU_CONFIG=`$APXS -q APU_CONFIG`
  AS_IF([test ! -x "$APR_CONFIG"], [AC_PATH_PROG([APR_CONFIG], [apr-1-config])])
  AS_IF([test ! -x "$APU_CONFIG"], [AC_PATH_PROG([APU_CONFIG], [apu-1-config])])
  AS_IF([test -z "$APR_CONFIG"], [AC_MSG_ERROR([APR was not found (Debian: libapr1-dev)])])
  AS_IF([test -z "$APU_CONFIG"], [AC_MSG_ERROR([apr-util was not found (Debian: libaprutil1-dev)])])
  APR_CPPFLAGS="`$APR_CONFIG --cppflags --includes` `$APU_CONFIG --includes`"
  APR_LIBS="`$APU_CONFIG --link-ld` `$APR_CONFIG --link-ld`"

  httpd_sbindir=`$APXS -q SBINDIR`
  httpd_progname=`$APXS -q PROGNAME`
  # apachectl brings the environment that the distribution's httpd.conf needs.
  AC_PATH_PROGS([APACHECTL], [${httpd_progname}ctl apachectl],
    [$httpd_sbindir/$httpd_progname], [$httpd_sbindir])

  AC_ARG_WITH([moduledir],
    [AS_HELP_STRING([--with-moduledir=DIR], [where the module goes (default: what apxs says)])],
    [moduledir=$withval], [moduledir=`$APXS -q LIBEXECDIR`])
  AC_ARG_WITH([modconfdir],
    [AS_HELP_STRING([--with-modconfdir=DIR],
      [where authsvc.load and authsvc.conf go (default: mods-available beside httpd.conf)])],
    [modconfdir=$withval], [modconfdir="`$APXS -q SYSCONFDIR`/mods-available"])
  AC_SUBST([HTTPD_CPPFLAGS])
  AC_SUBST([APR_CPPFLAGS])
  AC_SUBST([APR_LIBS])
  AC_SUBST([moduledir])
  AC_SUBST([modconfdir])
])

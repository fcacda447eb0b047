dnl SPDX-License-Identifier: Apache-2.0
dnl AUTHSVC_PKG(PREFIX, PKG-CONFIG SPECIFICATION, DEBIAN PACKAGE)
dnl pkg-config with an error message that says what to install.
AC_DEFUN([AUTHSVC_PKG], [
  PKG_CHECK_MODULES([$1], [$2], [],
    [AC_MSG_ERROR([$2 was not found (Debian: $3). $$1_PKG_ERRORS])])
])

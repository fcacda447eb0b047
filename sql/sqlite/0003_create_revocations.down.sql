-- SPDX-License-Identifier: Apache-2.0
DROP TABLE authsvc_revocation_feed;
DROP TABLE revocations;

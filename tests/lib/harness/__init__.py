# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests need: private httpds, databases, clients, and the contract."""

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CRYPTO_LOW_PRIORITY_H
#define AUTHSVC_CRYPTO_LOW_PRIORITY_H

/**
 * Run a function in a thread of its own that yields the CPU to others, and wait for it.
 *
 * A thread may lower its priority but not raise it again without a privilege, so the caller's is
 * left alone. Signals that ask the process to end are held up meanwhile: prefork ends a child
 * within the handler, and would take away what the function reads.
 * @param nice how far below the caller (nice(2), 0 to 19); 0: run it in the caller's own thread.
 *   So it is, too, where no thread can be made.
 * @param function must be content with 256 KiB of stack, and errno is its own
 * @param baton handed to function
 */
void authsvc_low_priority_run(int nice, void (*function)(void *baton), void *baton);

#endif

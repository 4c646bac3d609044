/* patience - how long a test in C waits for what should come. It ends what hangs, and nothing else: as long as a busy
 * machine with a sanitizer may need. What is about a time, such as a wait that expects nothing, has one of its own. */
#pragma once

enum { PATIENCE_S = 600, PATIENCE_MS = PATIENCE_S * 1000 };

/* Until something can be read there; the test fails when its patience ends. */
void patience_await(int fd);

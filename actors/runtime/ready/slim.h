/* slim - gives back what starting alone needed.
 *
 * The loader reads the symbol and relocation tables of every library that a process has, from end to end, and most of them
 * never again; mapped they count in each of our processes, about a megabyte and a half. What is mapped to be read
 * alone from a file is unmapped here: whatever is still needed of it comes back, a page at a time, from the kernel's cache of
 * the file, which is shared and can now be given up for something better. Any thread, at any time. */
#pragma once

void slim_down(void);

/* scratch - a folder for what a fuzzer keeps on disk: made once, in $TMPDIR, or in memory where there is none; removed when the fuzzer
 * ends. One that crashes leaves it, for whoever started it (run.py) to remove. */
#pragma once

const char *scratch_folder(void); /* the same with each call; aborts where it cannot be made */

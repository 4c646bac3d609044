/* jpeg - a picture of the worker's (BT.709, limited range) as a JPEG, sent to the parent. */
#pragma once

#include <libavutil/frame.h>

void jpeg_send(unsigned slot, const AVFrame *picture);

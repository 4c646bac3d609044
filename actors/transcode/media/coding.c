#include "actors/transcode/media/coding.h"

#include "actors/transcode/media/av1.h"
#include "actors/transcode/media/avc.h"
#include "actors/transcode/media/hevc.h"

const struct coding *coding_of(enum picture_codec codec)
{
    switch (codec) {
    case PICTURE_CODEC_HEVC: return &hevc_coding;
    case PICTURE_CODEC_AV1: return &av1_coding;
    default: return &avc_coding;
    }
}

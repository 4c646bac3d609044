/* rules - the check functions, by subject; the table is in rules.c. */
#pragma once

#include "ops/validate/check.h"

/* rules_syntax.c */
void check_grammar(struct check *c);
void check_version_enough(struct check *c);
void check_version_least(struct check *c);
void check_tags_mixed(struct check *c);
void check_tags_of_both(struct check *c);
void check_tags_of_both_once(struct check *c);

/* rules_delivery.c */
void check_served(struct check *c);
void check_tls(struct check *c);
void check_resolves(struct check *c);
void check_event_grows(struct check *c);
void check_vod_stays(struct check *c);

/* rules_media.c */
void check_target(struct check *c);
void check_extinf(struct check *c);
void check_six_seconds(struct check *c);
void check_same_target(struct check *c);
void check_extinf_true(struct check *c);
void check_same_duration(struct check *c);
void check_same_duration_closely(struct check *c);
void check_type(struct check *c);
void check_same_type(struct check *c);
void check_map(struct check *c);
void check_discontinuity(struct check *c);
void check_boundaries(struct check *c);
void check_live_window(struct check *c);
void check_live_date(struct check *c);

/* rules_master.c */
void check_variant_attributes(struct check *c);
void check_iframe_attributes(struct check *c);
void check_iframe_there(struct check *c);
void check_iframe_rates(struct check *c);
void check_two_rates(struct check *c);
void check_two_at_top(struct check *c);
void check_first_rate(struct check *c);
void check_cellular(struct check *c);
void check_sound_alone(struct check *c);
void check_independent_in_master(struct check *c);
void check_independent(struct check *c);
void check_resolution(struct check *c);
void check_aspect(struct check *c);
void check_video_range(struct check *c);

/* rules_rate.c */
void check_vod_rates(struct check *c);
void check_largest_sum(struct check *c);
void check_live_rates(struct check *c);
void check_peak_of_average(struct check *c);

/* rules_group.c */
void check_codecs(struct check *c);
void check_groups_there(struct check *c);
void check_renditions(struct check *c);
void check_renditions_differ(struct check *c);
void check_rendition_attributes(struct check *c);
void check_rendition_channels(struct check *c);
void check_captions_and_data(struct check *c);
void check_sound_apart(struct check *c);
void check_sound_apart_needed(struct check *c);

/* rules_boxes.c */
void check_init(struct check *c);
void check_fragments(struct check *c);
void check_one_run(struct check *c);
void check_continuous(struct check *c);
void check_independent_segments(struct check *c);
void check_gop_length(struct check *c);
void check_no_edits(struct check *c);

/* rules_codec.c */
void check_profile(struct check *c);
void check_some_low_level(struct check *c);
void check_high_profile(struct check *c);
void check_level_needed(struct check *c);
void check_progressive(struct check *c);
void check_sets_in_entry(struct check *c);
void check_one_sound(struct check *c);
void check_stereo_offered(struct check *c);
void check_he_aac(struct check *c);
void check_loudness(struct check *c);
void check_shape(struct check *c);

/* rules_trick.c: I-frames, text, keys */
void check_iframe_playlist(struct check *c);
void check_iframe_pictures(struct check *c);
void check_webvtt(struct check *c);
void check_text_kinds(struct check *c);
void check_keys(struct check *c);
void check_sealed_iframes(struct check *c);

/* rules_dash.c */
void check_mpd(struct check *c);
void check_mpd_values(struct check *c);
void check_mpd_labels(struct check *c);

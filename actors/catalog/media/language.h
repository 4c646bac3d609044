/* language - tags of languages as playlists want them (BCP 47: the shortest code that there is). */
#pragma once

/* Containers name languages by three letters (ISO 639-2); where two letters mean the same, they stand in their place: "eng" becomes "en",
 * "ger-AT" "de-AT". What is not in the table stays as it is. */
void language_shorten(char *tag);

/* kinobus-playback - see playback.h */
#include "actors/playback/playback.h"

int main(int argc, char **argv)
{
    return actor_main(&playback_actor, argc, argv);
}

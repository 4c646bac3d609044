#include "actors/transcode/transcode.h"

int main(int argc, char **argv)
{
    return actor_main(&transcode_actor, argc, argv);
}

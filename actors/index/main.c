/* kinobus-index - see index.h */
#include "actors/index/index.h"

int main(int argc, char **argv)
{
    return actor_main(&index_actor, argc, argv);
}

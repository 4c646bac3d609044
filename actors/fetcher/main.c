/* kinobus-fetcher - see fetcher.h */
#include "actors/fetcher/fetcher.h"

int main(int argc, char **argv)
{
    return actor_main(&fetcher_actor, argc, argv);
}

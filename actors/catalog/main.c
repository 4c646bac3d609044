/* kinobus-catalog - see catalog.h. */
#include "actors/catalog/catalog.h"

int main(int argc, char **argv)
{
    return actor_main(&catalog_actor, argc, argv);
}

#include "actors/auth/auth.h"

int main(int argc, char **argv)
{
    return actor_main(&auth_actor, argc, argv);
}

/* kinobus-notify - see notify.h */
#include "actors/notify/notify.h"

int main(int argc, char **argv)
{
    return actor_main(&notify_actor, argc, argv);
}

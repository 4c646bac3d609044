/* language - see language.h */
#include "actors/catalog/media/language.h"

#include <string.h>
#include <strings.h>

enum { LANGUAGE_ROW = 5 };

/* ISO 639-2 and, behind each, ISO 639-1: both the terminological and the bibliographical codes, in order. */
static const char table[] =
    "aaraaabkabafrafakaakalbsqamhamaraararganarmhyasmasavaavaveaeaymayazeazbakbabambmbaqeubelbe"
    "benbnbisbibodbobosbsbrebrbulbgburmycatcacescschachchecechizhchucuchvcvcorkwcoscocrecrcymcy"
    "czecsdandadeudedivdvdutnldzodzellelengenepoeoesteteuseueweeefaofofasfafijfjfinfifrafrfrefr"
    "fryfyfulffgeokagerdeglagdglegaglgglglvgvgreelgrngngujguhaththauhahebheherhzhinhihmohohrvhr"
    "hunhuhyehyiboigiceisidoioiiiiiikuiuileieinaiaindidipkikislisitaitjavjvjpnjakalklkanknkasks"
    "katkakaukrkazkkkhmkmkikkikinrwkirkykomkvkonkgkorkokuakjkurkulaololatlalavlvlimlilinlnlitlt"
    "ltzlblubluluglgmacmkmahmhmalmlmaomimarmrmaymsmkdmkmlgmgmltmtmonmnmrimimsamsmyamynaunanavnv"
    "nblnrndendndongnepnenldnlnnonnnobnbnornonyanyociocojiojoriorormomossospanpaperfaplipipolpl"
    "porptpuspsquequrohrmronrorumrorunrnrusrusagsgsansasinsislksksloskslvslsmesesmosmsnasnsndsd"
    "somsosotstspaessqisqsrdscsrpsrsswsssunsuswaswswesvtahtytamtatatttteltetgktgtgltlthathtibbo"
    "tirtitontotsntntsotstuktkturtrtwitwuigugukrukurduruzbuzvenvevievivolvowelcywlnwawolwoxhoxh"
    "yidyiyoryozhazazhozhzulzu";

void language_shorten(char *tag)
{
    size_t len = strcspn(tag, "-");

    for (const char *row = table; len == 3 && *row; row += LANGUAGE_ROW)
        if (strncasecmp(row, tag, 3) == 0) {
            memcpy(tag, row + 3, 2);
            memmove(tag + 2, tag + 3, strlen(tag + 3) + 1);
            return;
        }
}

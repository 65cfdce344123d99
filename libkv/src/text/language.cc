#include "text/language.h"

#include "text/stemmer.h"

namespace libkv {
namespace {

// Lists of the most frequent words that say nothing on their own: articles, prepositions,
// conjunctions, pronouns, the verbs "to be" and "to have". A word that is also a noun worth
// searching for stays out of its list.
constexpr std::string_view kEnglish =
    "a an and are as at be but by for if in into is it no not of on or such that the their then "
    "there these they this to was will with";

constexpr Language kLanguages[] = {
    {"arabic",
     "في من على إلى عن مع هذا هذه ذلك تلك التي الذي ما لا لم لن أن إن كان كانت هو هي ثم أو و"},
    {"armenian", ""},
    {"basque", "eta edo baina da dira zen ziren ez ere bat du dute den hau hori ala"},
    {"catalan",
     "a al als amb com de del dels el els en entre és i la les li lo més no o per perquè però que "
     "què se si són un una uns unes va",
     "l d m n s t"},
    {"danish",
     "af at da de dem den der det du eller en er et for fra han har hun i ikke ind jeg med men når "
     "og om op på sig som så til var vi ved"},
    {"dutch",
     "aan als bij dan dat de der deze die dit door een en er haar het hij ik in is je maar met "
     "naar "
     "niet nog of om ook op te tot uit van voor was wat ze zijn"},
    {"english", kEnglish},
    {"finnish",
     "ei eivät en että he hän ja jos joka jotka kun kuin me mutta mukaan myös ne niin nyt oli olla "
     "on ovat se sekä tai te tämä vaan vain"},
    {"french",
     "au aux avec ce ces dans de des du elle elles en est et il ils je la le les leur lui mais ne "
     "nous on ou où par pas pour qu que qui sa se ses son sont sur un une vous",
     "l d c j m n s t qu jusqu lorsqu puisqu quoiqu"},
    {"german",
     "als am an auch auf aus bei das dass dem den der des die ein eine einem einen einer eines er "
     "es für im in ist mit nicht oder sich sie sind und von wie zu zum zur"},
    {"greek",
     "ο η το οι τα του της των τον την τους τις και να θα δε δεν μη μην με σε για από προς στο στη "
     "στην στις στον στους στα που πως αν είναι ήταν ότι ή"},
    {"hindi",
     "का के की को में से है हैं और पर ने यह वह इस उस ये वे था थी थे भी तो ही एक लिए या "
     "कि जो हो"},
    {"hungarian",
     "a az egy és hogy nem is de ha ez csak meg már mint van volt vagy azt ezt még el ki be le fel "
     "én te ő mi ti ők pedig sem"},
    {"indonesian",
     "yang dan di ke dari untuk pada dengan adalah ini itu dalam tidak akan atau oleh juga karena "
     "sebagai para bahwa ada saya kami kita mereka dia telah"},
    {"irish",
     "a ag agus an ar as de den do don faoi go i is le na nach ní níl ó sa sé sí seo sin tá",
     "b d m"},
    {"italian",
     "a ad ai al alla alle anche che chi ci come con da dal dalla dei del della delle di e ed gli "
     "ha i il in è la le lo ma mi ne nei nel nella non o per più se si sono su sul un una uno",
     "l un all dall dell nell sull coll d c m t s v n gl"},
    {"lithuanian",
     "ir bei bet ar kad kaip tai yra buvo nuo iki per su be į iš ne o dėl apie jis ji jie jos"},
    {"nepali", ""},
    {"norwegian",
     "av at da de den der det du eller en er et for fra han har hun i ikke jeg med men når og om "
     "opp på seg som så til var vi ved å"},
    // Martin Porter's first stemmer for English.
    {"porter", kEnglish},
    {"portuguese",
     "a ao aos as com como da das de do dos e em entre era foi há isso mais mas na nas no não nos "
     "o "
     "os ou para pela pelo por que se sem seu ser sua são também um uma é à às"},
    {"romanian",
     "a al ale au ca că care ce cu de din după este și ei el ea este fi fost în îi îl într la le "
     "mai "
     "nu o pe pentru prin sau se sunt să un una unei unui"},
    {"russian",
     "а без бы был была было были в во вы да для до его ее её если же за и из или им их к как ко "
     "ли "
     "мы на не но о об он она они от по при с со так то только у что это я"},
    {"serbian",
     "i u je na se da su za od sa iz o kao ne a ali ili do po koji koja koje što bi to и у је на "
     "се "
     "да су за од са из о као не а али или до по који која које што би то"},
    {"spanish",
     "a al como con de del el ella ellos en entre era es esta este ha la las le les lo los más me "
     "mi muy no o para pero por que se sin son su sus también un una y ya"},
    {"swedish",
     "att av de dem den det där du ej eller en er ett för från han har hon i inte jag kan med men "
     "när och om på sig som så till var vi vid är"},
    {"tamil", ""},
    {"turkish",
     "ama bir bu çok da daha de değil en gibi hem ile için ise ki mi mı mu mü o olan olarak şu ve "
     "veya ya",
     "", true},
    {"yiddish", ""},
};

}  // namespace

std::span<const Language> AllLanguages() { return kLanguages; }

const Language* FindLanguage(std::string_view name) {
  for (const Language& language : kLanguages) {
    if (language.name == name) return HasStemmer(name) ? &language : nullptr;
  }
  return nullptr;
}

}  // namespace libkv

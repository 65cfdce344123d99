// The analyzers of all languages: inflections meet, little words are left out.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "libkv/analyzer.h"
#include "text/built_in_analyzer.h"
#include "text/language.h"
#include "text/term.h"
#include "text/term_cache.h"

namespace libkv {
namespace {

using V = std::vector<std::string>;

V Terms(std::string_view language, std::string_view text) {
  const auto analyzer = MakeAnalyzer(language);
  REQUIRE(analyzer.ok());
  V terms;
  (*analyzer)->Analyze(text, [&](const Token& token) { terms.emplace_back(token.term); });
  return terms;
}

struct Sample {
  const char* language;
  const char* text;   // a sentence
  const char* asked;  // words that are not in it in this form, and must be found
};
constexpr Sample kSamples[] = {
    {"arabic", "قرأت الكتب في المكتبات", "كتب"},
    {"armenian", "Երեխաները խաղում են այգիներում", "երեխաներ այգիներ"},
    {"basque", "Umeak etxeetan jolasten dira", "ume etxeak"},
    {"catalan", "Els nens juguen a l'escola amb les pilotes", "escola nen pilota"},
    {"danish", "Børnene læste bøgerne i haverne", "børnenes haven"},
    {"dutch", "De kinderen lopen door de straten", "straat"},
    {"english", "The children were running through gardens", "run garden"},
    {"finnish", "Lapset leikkivät taloissa ja puutarhassa", "talossa puutarhat"},
    {"french", "Les enfants couraient vers l'arbre des jardins", "enfant arbres courait jardin"},
    {"german", "Die Häuser der Städte sind größer geworden", "Häusern Städten groß"},
    {"greek", "Τα παιδιά διαβάζουν βιβλία στις μεγάλες πόλεις", "βιβλίων πόλεων διαβάζει μεγάλος"},
    {"hindi", "लड़के किताबें पढ़ते हैं", "लड़का किताब"},
    {"hungarian", "A gyerekek a házakban játszanak", "házak háznak"},
    {"indonesian", "Anak-anak membaca bukunya di sekolah", "buku dibaca"},
    {"irish", "Bhí na leabhair ag an bhfear", "fear"},
    {"italian", "I bambini giocano nell'albergo con le palle", "bambino alberghi palla"},
    {"lithuanian", "Vaikai skaito knygas namuose", "knyga vaikas namas"},
    {"nepali", "केटाहरूले किताबहरू पढे", "किताब केटा"},
    {"norwegian", "Barna leste bøkene i hagene", "hagen lest"},
    {"porter", "The relational databases were connected", "relate database connection"},
    {"portuguese", "As crianças corriam nos jardins das cidades", "criança cidade correndo"},
    {"romanian", "Copiii citeau cărțile în grădinile mari", "grădini mare"},
    {"russian", "Дети читали интересные книги в библиотеках", "книга библиотека интересный читала"},
    {"serbian", "Деца читају занимљиве књиге", "knjiga занимљива"},
    {"spanish", "Los niños corrían por los jardines de las ciudades", "niño corriendo jardín"},
    {"swedish", "Barnen läste böckerna i trädgårdarna", "trädgården barn"},
    {"tamil", "குழந்தைகள் புத்தகங்களை படித்தார்கள்", "புத்தகம்"},
    {"turkish", "Çocuklar evlerde KITAPLARI okuyor", "çocuk ev"},
    {"yiddish", "די קינדער לייענען ביכלעך", "ביכל"},
};

TEST_CASE("in every language inflections of a word meet") {
  std::set<std::string> sampled;
  for (const Sample& sample : kSamples) {
    CAPTURE(sample.language);
    sampled.insert(sample.language);
    const V text = Terms(sample.language, sample.text);
    const auto analyzer = MakeAnalyzer(sample.language);
    (*analyzer)->Analyze(sample.asked, [&](const Token& token) {
      CAPTURE(token.word);
      CAPTURE(token.term);
      std::string joined;
      for (const std::string& term : text) joined += term + " ";
      CAPTURE(joined);
      CHECK(std::find(text.begin(), text.end(), token.term) != text.end());
      // The words as they are would not have met.
      const V plain = Terms("simple", sample.text);
      CHECK(std::find(plain.begin(), plain.end(), token.word) == plain.end());
    });
  }
  for (const std::string& language : AnalyzerLanguages()) {
    if (language != "simple") CHECK(sampled.contains(language));
  }
}

TEST_CASE("every analyzer says its id, is found by it, and no other id is known") {
  for (const std::string& language : AnalyzerLanguages()) {
    CAPTURE(language);
    const auto analyzer = MakeAnalyzer(language);
    REQUIRE(analyzer.ok());
    CHECK((*analyzer)->id() == language + "/1");
    const auto found = FindBuiltInAnalyzer(language + "/1");
    REQUIRE(found != nullptr);
    CHECK(found->id() == language + "/1");
    CHECK(FindBuiltInAnalyzer(language) == nullptr);
    CHECK(FindBuiltInAnalyzer(language + "/2") == nullptr);
  }
  CHECK(MakeEnglishAnalyzer()->id() == "english/1");
  CHECK(MakeSimpleAnalyzer()->id() == "simple/1");
  CHECK(FindBuiltInAnalyzer("") == nullptr);
  CHECK(FindBuiltInAnalyzer("/1") == nullptr);
}

TEST_CASE("an unknown language is refused, naming the known ones") {
  for (const std::string language : {"", "klingon", "German", "en", "german/1"}) {
    const auto analyzer = MakeAnalyzer(language);
    CAPTURE(language);
    REQUIRE(absl::IsInvalidArgument(analyzer.status()));
    const std::string message(analyzer.status().message());
    CHECK(message.find("'" + language + "'") != std::string::npos);
    CHECK(message.find("finnish, french, german") != std::string::npos);
  }
}

TEST_CASE("what every language leaves out is left out however it is written") {
  // Goal: no stop word is out of reach because folding or an apostrophe changes it. Method: each,
  // in lower case and, where folding undoes it, in capitals.
  for (const Language& language : AllLanguages()) {
    CAPTURE(std::string(language.name));
    if (FindLanguage(language.name) == nullptr) continue;
    CHECK(Terms(language.name, language.stop_words) == V{});
    const std::string_view words = language.stop_words;
    CHECK(std::count(words.begin(), words.end(), ' ') < 50);
    CHECK(words.find("  ") == std::string_view::npos);
  }
  CHECK(Terms("french", "LE CHAT EST OÙ LES ÉTOILES SONT") == Terms("french", "chat étoiles"));
  CHECK(Terms("greek", "ΤΗΣ ΠΟΛΗΣ") == Terms("greek", "πόλης"));
  CHECK(Terms("german", "DIE STRASSE") == Terms("german", "Straße"));
  CHECK(Terms("russian", "Её Ещё") == Terms("russian", "ещё"));
}

TEST_CASE("diacritics are kept, but for those that a stemmer takes for an inflection") {
  CHECK(Terms("german", "Äpfel") == Terms("german", "Apfel"));
  CHECK(Terms("french", "pêche") != Terms("french", "péché"));
  CHECK(Terms("spanish", "año") != Terms("spanish", "ano"));
}

TEST_CASE("a short word before an apostrophe is dropped where a language has such") {
  const V trees = Terms("french", "l'arbre L’ARBRE qu'arbre arbre");
  REQUIRE(trees.size() == 4);
  CHECK(std::set<std::string>(trees.begin(), trees.end()).size() == 1);
  CHECK(Terms("french", "aujourd'hui") != Terms("french", "hui"));
  CHECK(Terms("french", "s'il") == V{});  // both parts are left out
  CHECK(Terms("italian", "dell'albergo") == Terms("italian", "albergo"));
  CHECK(Terms("german", "l'arbre") != Terms("german", "arbre"));
  CHECK(Terms("english", "o'clock") != Terms("english", "clock"));
}

TEST_CASE("Turkish capitals become the letters they are capitals of") {
  CHECK(Terms("turkish", "ISPARTA") == Terms("turkish", "ısparta"));
  CHECK(Terms("turkish", "İSTANBUL") == Terms("turkish", "istanbul"));
  CHECK(Terms("turkish", "I\xCC\x87stanbul") == Terms("turkish", "istanbul"));  // I, dot above
  CHECK(Terms("turkish", "ISPARTA") != Terms("turkish", "isparta"));
  CHECK(Terms("turkish", "MI MU VE İLE") == V{});
  CHECK(Terms("turkish", "İstanbul'daki İSTANBUL’UN") == Terms("turkish", "istanbul istanbul"));
  // Everywhere else they are one letter with and without a dot.
  CHECK(Terms("german", "ISPARTA") == Terms("german", "isparta"));
}

TEST_CASE("porter is the older English stemmer") {
  CHECK(Terms("porter", "The skies were generously relational, the dog's") ==
        V{"ski", "were", "gener", "relat", "dog"});
  CHECK(Terms("english", "The skies were generously relational, the dog's") ==
        V{"sky", "were", "generous", "relat", "dog"});
}

TEST_CASE("a thread may use any number of languages, within each other too") {
  // Goal: pushing a language out of the thread's memory changes no term, also while it is in use.
  // Method: the sink of one analysis runs all others, whose terms are compared with fresh ones.
  std::vector<std::string> texts;
  for (const Sample& sample : kSamples) texts.emplace_back(sample.text);
  std::vector<V> expected;
  for (const Sample& sample : kSamples) {
    TermMaker maker(FindLanguage(sample.language));
    V& terms = expected.emplace_back();
    (*MakeAnalyzer("simple"))->Analyze(sample.text, [&](const Token& token) {
      const std::string_view text = sample.text;
      std::string term =
          maker.Make(text.substr(token.begin_byte, token.end_byte - token.begin_byte));
      if (!term.empty()) terms.push_back(std::move(term));
    });
  }
  static_assert(std::size(kSamples) > kTermCachesPerThread);
  const auto outer = MakeAnalyzer("german");
  V german;
  (*outer)->Analyze("Häuser und Städte", [&](const Token& token) {
    for (size_t i = 0; i < std::size(kSamples); ++i) {
      REQUIRE(Terms(kSamples[i].language, texts[i]) == expected[i]);
    }
    german.emplace_back(token.term);
  });
  CHECK(german == Terms("german", "Häuser und Städte"));
  CHECK(german.size() == 2);
}

}  // namespace
}  // namespace libkv

import com.sun.management.OperatingSystemMXBean;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.en.EnglishAnalyzer;
import org.apache.lucene.analysis.tokenattributes.PositionIncrementAttribute;
import org.apache.lucene.analysis.tokenattributes.TermToBytesRefAttribute;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.NumericDocValuesField;
import org.apache.lucene.document.StoredField;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.MultiDocValues;
import org.apache.lucene.index.NumericDocValues;
import org.apache.lucene.index.SerialMergeScheduler;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.FuzzyQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.MatchNoDocsQuery;
import org.apache.lucene.search.MultiTermQuery;
import org.apache.lucene.search.PhraseQuery;
import org.apache.lucene.search.PrefixQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.search.similarities.BM25Similarity;
import org.apache.lucene.store.FSDirectory;
import org.apache.lucene.util.BytesRef;

/**
 * Lucene as a program that takes commands, one a line, fields separated by tabs:
 *
 * <pre>
 * index FILE DIRECTORY    indexes (id TAB text LF)*; answers CPU seconds of writing and of merging
 * open DIRECTORY K1 B     searches there; answers "ok"
 * query KIND WORDS        one more query for the passes; no answer
 * clear                   forgets the queries; no answer
 * warm N                  N passes that are not reported, for the compiler; answers "ok"
 * pass                    for each query a line: CPU microseconds, the ids of the best ten
 *                         included, and their numbers
 * rank LIMIT TEXT         any of the words of TEXT: one line of number:score, best first
 * </pre>
 *
 * Documents are known by their line in the file. EnglishAnalyzer is: standard words, possessives,
 * lower case, 33 stop words, Porter's stemmer.
 */
public final class LuceneHarness {
  private static final String FIELD = "text";
  private static final String NUMBER = "number";
  private static final String ID = "id";
  private static final Set<String> ID_ONLY = Set.of(ID);
  private static final int TOP_HITS = 10;
  private static final int EXPANSIONS_MAX = 128; // as libkv's

  private record Asked(String kind, String words) {}

  private final Analyzer analyzer = new EnglishAnalyzer();
  private final PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
  private final ThreadMXBean threads = ManagementFactory.getThreadMXBean();
  private final List<Asked> queries = new ArrayList<>();
  private long idBytes; // so that reading them is not optimized away
  private DirectoryReader reader;
  private IndexSearcher searcher;

  public static void main(String[] arguments) throws IOException {
    new LuceneHarness().run();
  }

  private void run() throws IOException {
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] fields = line.split("\t", -1);
      switch (fields[0]) {
        case "index" -> index(fields[1], fields[2]);
        case "open" -> open(fields[1], Float.parseFloat(fields[2]), Float.parseFloat(fields[3]));
        case "query" -> queries.add(new Asked(fields[1], fields[2]));
        case "clear" -> queries.clear();
        case "warm" -> warm(Integer.parseInt(fields[1]));
        case "pass" -> pass(true);
        case "rank" -> rank(Integer.parseInt(fields[1]), fields[2]);
        default -> throw new IllegalArgumentException("no such command: " + line);
      }
      out.flush();
    }
  }

  private static double processCpuSeconds() {
    OperatingSystemMXBean system =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    return system.getProcessCpuTime() * 1e-9;
  }

  private void index(String file, String directory) throws IOException {
    double begin = processCpuSeconds();
    IndexWriterConfig config = new IndexWriterConfig(analyzer);
    config.setRAMBufferSizeMB(64);
    config.setMergeScheduler(new SerialMergeScheduler());
    double written;
    try (FSDirectory target = FSDirectory.open(Paths.get(directory));
        IndexWriter writer = new IndexWriter(target, config);
        BufferedReader in = Files.newBufferedReader(Paths.get(file))) {
      long number = 0;
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        Document document = new Document();
        int tab = line.indexOf('\t');
        document.add(new StoredField(ID, line.substring(0, tab)));
        document.add(new TextField(FIELD, line.substring(tab + 1), Field.Store.NO));
        document.add(new NumericDocValuesField(NUMBER, number++));
        writer.addDocument(document);
      }
      writer.commit();
      written = processCpuSeconds();
      writer.forceMerge(1);
      writer.commit();
    }
    out.println((written - begin) + "\t" + (processCpuSeconds() - written));
  }

  private void open(String directory, float k1, float b) throws IOException {
    if (reader != null) reader.close();
    reader = DirectoryReader.open(FSDirectory.open(Paths.get(directory)));
    searcher = new IndexSearcher(reader);
    searcher.setSimilarity(new BM25Similarity(k1, b));
    searcher.setQueryCache(null); // the passes repeat themselves
    out.println("ok");
  }

  private void warm(int passes) throws IOException {
    for (int i = 0; i < passes; ++i) pass(false);
    out.println("ok");
  }

  private void pass(boolean report) throws IOException {
    StringBuilder line = new StringBuilder();
    for (Asked asked : queries) {
      long begin = threads.getCurrentThreadCpuTime();
      TopDocs top = searcher.search(toQuery(asked), TOP_HITS);
      readIds(top);
      long nanoseconds = threads.getCurrentThreadCpuTime() - begin;
      long[] numbers = numbersOf(top);
      line.setLength(0);
      line.append(nanoseconds / 1e3).append('\t');
      for (long number : numbers) line.append(number).append(' ');
      if (report) out.println(line);
    }
  }

  private void rank(int limit, String text) throws IOException {
    TopDocs top = searcher.search(bag(text, BooleanClause.Occur.SHOULD), limit);
    long[] numbers = numbersOf(top);
    StringBuilder line = new StringBuilder();
    for (int i = 0; i < numbers.length; ++i) {
      line.append(numbers[i]).append(':').append(top.scoreDocs[i].score).append(' ');
    }
    out.println(line);
  }

  // As an application does, which has no use for Lucene's own numbers.
  private void readIds(TopDocs top) throws IOException {
    for (ScoreDoc hit : top.scoreDocs) {
      idBytes += searcher.doc(hit.doc, ID_ONLY).get(ID).length();
    }
  }

  private long[] numbersOf(TopDocs top) throws IOException {
    long[] numbers = new long[top.scoreDocs.length];
    for (int i = 0; i < numbers.length; ++i) {
      ScoreDoc hit = top.scoreDocs[i];
      NumericDocValues values = MultiDocValues.getNumericValues(reader, NUMBER);
      values.advanceExact(hit.doc);
      numbers[i] = values.longValue();
    }
    return numbers;
  }

  private Query toQuery(Asked asked) throws IOException {
    switch (asked.kind()) {
      case "term":
      case "or":
        return bag(asked.words(), BooleanClause.Occur.SHOULD);
      case "and":
        return bag(asked.words(), BooleanClause.Occur.MUST);
      case "phrase":
        return phrase(asked.words());
      case "prefix":
        PrefixQuery prefix = new PrefixQuery(new Term(FIELD, asked.words()));
        prefix.setRewriteMethod(
            new MultiTermQuery.TopTermsBlendedFreqScoringRewrite(EXPANSIONS_MAX));
        return prefix;
      case "fuzzy":
        List<Term> terms = termsOf(asked.words(), null);
        return terms.isEmpty()
            ? new MatchNoDocsQuery()
            : new FuzzyQuery(terms.get(0), 1, 0, EXPANSIONS_MAX, true);
      default:
        throw new IllegalArgumentException("no such kind of query: " + asked.kind());
    }
  }

  private Query bag(String text, BooleanClause.Occur occur) throws IOException {
    List<Term> terms = termsOf(text, null);
    if (terms.size() == 1) return new TermQuery(terms.get(0));
    BooleanQuery.Builder builder = new BooleanQuery.Builder();
    for (Term term : terms) builder.add(new TermQuery(term), occur);
    return builder.build();
  }

  private Query phrase(String text) throws IOException {
    List<Integer> positions = new ArrayList<>();
    List<Term> terms = termsOf(text, positions);
    PhraseQuery.Builder builder = new PhraseQuery.Builder();
    for (int i = 0; i < terms.size(); ++i) builder.add(terms.get(i), positions.get(i));
    return builder.build();
  }

  /** The terms of a text and, unless null, their positions, where stop words leave gaps. */
  private List<Term> termsOf(String text, List<Integer> positions) throws IOException {
    List<Term> terms = new ArrayList<>();
    try (TokenStream tokens = analyzer.tokenStream(FIELD, text)) {
      TermToBytesRefAttribute term = tokens.addAttribute(TermToBytesRefAttribute.class);
      PositionIncrementAttribute increment =
          tokens.addAttribute(PositionIncrementAttribute.class);
      tokens.reset();
      int position = -1;
      while (tokens.incrementToken()) {
        position += increment.getPositionIncrement();
        terms.add(new Term(FIELD, BytesRef.deepCopyOf(term.getBytesRef())));
        if (positions != null) positions.add(position);
      }
      tokens.end();
    }
    return terms;
  }
}

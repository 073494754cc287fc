// Every FO document of a directory to PDF by Apache FOP, in one JVM, on all processors: what the script of bench/run's
// pass.script does in the place of a `fop` process a document.
//   java -cp '/usr/share/java/*' FopBatch.java FROM TO CONFIGURATION
// With ROUNDS, what pdf.cpu measures: one thread renders them all so many times, and the median of the last five rounds is told.
//   java -cp '/usr/share/java/*' FopBatch.java FROM TO CONFIGURATION ROUNDS
import java.io.BufferedOutputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import com.sun.management.OperatingSystemMXBean;
import java.util.Arrays;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.sax.SAXResult;
import javax.xml.transform.stream.StreamSource;
import org.apache.fop.apps.FOUserAgent;
import org.apache.fop.apps.Fop;
import org.apache.fop.apps.FopFactory;
import org.apache.fop.apps.MimeConstants;

public class FopBatch {
  public static void main(String[] arguments) throws Exception {
    File[] documents = new File(arguments[0]).listFiles((directory, name) -> name.endsWith(".fo"));
    FopFactory factory = FopFactory.newInstance(new File(arguments[2]));
    if (arguments.length > 3) {
      OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
      long[] last = new long[5];
      for (int round = 0; round < Integer.parseInt(arguments[3]); round++) {
        long begin = system.getProcessCpuTime();
        for (File document : documents) render(factory, document, arguments);
        long spent = system.getProcessCpuTime() - begin;
        System.err.printf("round %d: %.2f s%n", round + 1, spent / 1e9);
        last[round % last.length] = spent;
      }
      Arrays.sort(last);
      System.out.printf("{\"documents\": %d, \"cpu\": %s}%n", documents.length, last[last.length / 2] / 1e9);
      return;
    }
    // The first one alone: FOP's factory is not made for several threads before its fonts are read.
    render(factory, documents[0], arguments);
    Arrays.stream(documents, 1, documents.length).parallel().forEach(document -> render(factory, document, arguments));
  }

  static void render(FopFactory factory, File document, String[] arguments) {
    File pdf = new File(arguments[1], document.getName().replace(".fo", ".pdf"));
    try (OutputStream out = new BufferedOutputStream(new FileOutputStream(pdf))) {
      FOUserAgent agent = factory.newFOUserAgent();
      agent.setAccessibility(arguments.length > 3);
      Fop fop = factory.newFop(MimeConstants.MIME_PDF, agent, out);
      TransformerFactory.newInstance().newTransformer().transform(
          new StreamSource(document), new SAXResult(fop.getDefaultHandler()));
    } catch (Exception e) {
      throw new RuntimeException(e);
    }
  }
}

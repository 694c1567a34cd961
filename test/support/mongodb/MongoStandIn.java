import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.ServerVersion;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import java.util.List;

/**
 * mongo-java-server on a given port, its data in a given file: {@code java -cp JARS MongoStandIn.java FILE PORT}.
 *
 * It calls itself MongoDB 5.0 but names the wire version of 4.2, which the driver refuses to talk to;
 * the commands that we use have not changed between the two.
 */
public class MongoStandIn {
    private static final int WIRE_VERSION_OF_5_0 = 13;

    public static void main(String[] args) throws Exception {
        H2Backend backend = new H2Backend(args[0]);
        backend.version(new MongoVersion() {
            public List<Integer> getVersionArray() { return ServerVersion.MONGO_5_0.getVersionArray(); }
            public int getWireVersion() { return WIRE_VERSION_OF_5_0; }
        });
        MongoServer server = new MongoServer(backend);
        server.bind("127.0.0.1", Integer.parseInt(args[1]));
        for (;;) {
            Thread.sleep(50);
            backend.commit();
        }
    }
}

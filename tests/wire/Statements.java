// tests/wire/Statements.java - pgjdbc runs the sixty statements; see pgjdbc_test.py.
//
// Arguments: the port, and how often a statement is run before it is prepared on the server (1: at once, with
// binary results where the driver knows them). Input: a number of lines, then that many lines of a block:
// statement, parameters. Output: a line for each answer.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.util.Properties;

public class Statements {
  public static void main(String[] arguments) throws Exception {
    Properties properties = new Properties();
    properties.setProperty("user", "ann");
    properties.setProperty("prepareThreshold", arguments[1]);
    String url = "jdbc:postgresql://127.0.0.1:" + arguments[0] + "/shop";
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    try (Connection connection = DriverManager.getConnection(url, properties)) {
      String count;
      while ((count = in.readLine()) != null) {
        String sql = in.readLine().replaceAll("\\$[0-9]+", "?");
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
          for (int i = 1; i < Integer.parseInt(count); ++i) {
            String value = in.readLine();
            if (value.equals("NULL")) {
              statement.setNull(i, Types.OTHER);
            } else {
              statement.setObject(i, value, Types.OTHER);
            }
          }
          print(statement, out);
        } catch (SQLException error) {
          out.println("error " + error.getSQLState());
        }
      }
      connection.setAutoCommit(false);
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT i FROM generate_series(1, 1000) AS g(i)")) {
        statement.setFetchSize(100);  // A portal, a hundred rows at a time.
        long sum = 0;
        try (ResultSet rows = statement.executeQuery()) {
          while (rows.next()) sum += rows.getInt(1);
        }
        out.println("fetched " + sum);
      }
      connection.commit();
    }
  }

  private static void print(PreparedStatement statement, PrintStream out) throws SQLException {
    if (!statement.execute()) {
      out.println("ok " + statement.getUpdateCount());
      return;
    }
    StringBuilder text = new StringBuilder();
    int rows = 0;
    try (ResultSet result = statement.getResultSet()) {
      int columns = result.getMetaData().getColumnCount();
      while (result.next()) {
        ++rows;
        text.append('\n');
        for (int c = 1; c <= columns; ++c) {
          String value = result.getString(c);
          text.append(c > 1 ? "|" : "").append(value == null ? "NULL" : value);
        }
      }
    }
    out.println("rows " + rows + text);
  }
}

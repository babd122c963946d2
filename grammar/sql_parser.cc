#include "grammar/sql_parser.h"

#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "grammar/internal/antlr_tokens.h"
#include "grammar/internal/sql_builder.h"
#include "grammar/internal/sql_large_stack.h"
#include "grammar/internal/sql_other.h"
#include "grammar/internal/sql_roles.h"
#include "grammar/internal/sql_scanner.h"

namespace entail::grammar::sql {

namespace {

using P = antlr_sql::SqlParser;
using internal::SqlToken;

// Thrown through the generated code at the first token that does not fit.
struct SyntaxStop {
  std::size_t position = 0;
};

class StopAtFirstError final : public antlr4::ANTLRErrorStrategy {
 public:
  void reset(antlr4::Parser*) override {}
  antlr4::Token* recoverInline(antlr4::Parser* parser) override {
    throw SyntaxStop{parser->getTokenStream()->index()};
  }
  void recover(antlr4::Parser* parser, std::exception_ptr problem) override {
    std::size_t position = parser->getTokenStream()->index();
    try {
      std::rethrow_exception(problem);
    } catch (const antlr4::RecognitionException& error) {
      // Prediction may have looked further than the parser stands.
      if (error.getOffendingToken() != nullptr) {
        position = std::max(position, error.getOffendingToken()->getTokenIndex());
      }
    } catch (...) {
    }
    throw SyntaxStop{position};
  }
  void sync(antlr4::Parser*) override {}
  bool inErrorRecoveryMode(antlr4::Parser*) override { return false; }
  void reportMatch(antlr4::Parser*) override {}
  void reportError(antlr4::Parser*, const antlr4::RecognitionException&) override {}
};

class Machine {
 public:
  explicit Machine(std::string_view text) : text_(text), stream_(text), parser_(&stream_) {
    parser_.setErrorHandler(std::make_shared<StopAtFirstError>());
    parser_.removeErrorListeners();
  }

  // `tokens` and the token behind them.
  void load(std::span<const SqlToken> tokens, const SqlToken& end) {
    tokens_.assign(tokens.begin(), tokens.end());
    tokens_.push_back(end);
    tokens_.back().type = antlr4::Token::EOF;
    stream_.assign(tokens, end);
  }

  // Runs `rule` of the generated parser. SLL prediction is faster and right but for few texts,
  // which are parsed again with full context.
  template <typename Rule>
  auto parse(Rule rule) {
    using antlr4::atn::PredictionMode;
    auto* const interpreter = parser_.getInterpreter<antlr4::atn::ParserATNSimulator>();
    interpreter->setPredictionMode(PredictionMode::SLL);
    try {
      parser_.setTokenStream(&stream_);
      return (parser_.*rule)();
    } catch (const SyntaxStop&) {
    }
    interpreter->setPredictionMode(PredictionMode::LL);
    stream_.seek(0);
    parser_.setTokenStream(&stream_);
    return (parser_.*rule)();
  }

  std::span<const SqlToken> tokens() const { return tokens_; }
  std::string_view text() const { return text_; }

  Error error_at(std::size_t position) const {
    const SqlToken& token = tokens_[std::min(position, tokens_.size() - 1)];
    return internal::sql_error_near(text_, token, "syntax error");
  }

 private:
  std::string_view text_;
  std::vector<SqlToken> tokens_;
  internal::AntlrTokenStream<SqlToken> stream_;
  P parser_;
};

// Calls `build` and turns what it throws into an error.
template <typename Result, typename Build>
Expected<Result> guarded(const Machine& machine, const Build& build) {
  try {
    return build();
  } catch (const SyntaxStop& stop) {
    return unexpected(machine.error_at(stop.position));
  } catch (internal::BuildFailure& failure) {
    return unexpected(std::move(failure.error));
  } catch (const std::exception& problem) {
    SqlFields fields;
    fields.sqlstate = "XX000";
    return unexpected(ErrorCode::kInvalidArgument,
                      std::string("the SQL parser gave up: ") + problem.what(), std::move(fields));
  }
}

// The same, on a larger stack where the statement nests deep.
template <typename Result, typename Build>
Expected<Result> built(const Machine& machine, std::size_t nesting, const Build& build) {
  constexpr std::size_t kNestingOnOwnStack = 12;
  if (nesting <= kNestingOnOwnStack) return guarded<Result>(machine, build);
  std::optional<Expected<Result>> result;
  if (!internal::run_on_large_stack([&] { result = guarded<Result>(machine, build); })) {
    SqlFields fields;
    fields.sqlstate = "53000";
    return unexpected(ErrorCode::kLimit, "no thread could be started to parse a deep statement",
                      std::move(fields));
  }
  return std::move(*result);
}

Expected<std::vector<SqlToken>> scan(std::string_view text) {
  if (text.size() > kMaxTextBytes) {
    SqlFields fields;
    fields.sqlstate = "54000";
    return unexpected(ErrorCode::kLimit, "statement is too long", std::move(fields));
  }
  return internal::scan_sql(text);
}

}  // namespace

Expected<std::vector<Statement>> parse_sql(std::string_view text) {
  auto tokens = scan(text);
  if (!tokens) return unexpected(std::move(tokens).error());
  std::vector<Statement> statements;
  std::optional<Machine> machine;
  for (const internal::SqlStatementRange& range : internal::split_sql(text, *tokens)) {
    const std::span<SqlToken> own(tokens->data() + range.begin, range.end - range.begin);
    if (auto other = internal::other_statement(text, own)) {
      statements.push_back(std::move(*other));
      continue;
    }
    auto nesting = internal::assign_sql_roles(own);
    if (!nesting) return unexpected(std::move(nesting).error());
    const auto size = static_cast<std::uint32_t>(text.size());
    const SqlToken end =
        range.end < tokens->size() ? (*tokens)[range.end] : SqlToken{.begin = size, .end = size};
    if (!machine) machine.emplace(text);
    machine->load(own, end);
    auto statement = built<Statement>(*machine, *nesting, [&] {
      P::StatementContext* const parsed = machine->parse(&P::statement);
      internal::SqlBuilder builder(text, machine->tokens());
      Statement made = builder.statement(parsed->statementBody());
      made.parameter_count = builder.parameter_count();
      return made;
    });
    if (!statement) return unexpected(std::move(statement).error());
    statements.push_back(std::move(*statement));
  }
  return statements;
}

Expected<Expression> parse_sql_expression(std::string_view text) {
  auto tokens = scan(text);
  if (!tokens) return unexpected(std::move(tokens).error());
  auto nesting = internal::assign_sql_roles(*tokens);
  if (!nesting) return unexpected(std::move(nesting).error());
  Machine machine(text);
  const auto size = static_cast<std::uint32_t>(text.size());
  machine.load(*tokens, SqlToken{.begin = size, .end = size});
  return built<Expression>(machine, *nesting, [&] {
    P::StandaloneExpressionContext* const parsed = machine.parse(&P::standaloneExpression);
    internal::SqlBuilder builder(text, machine.tokens());
    return builder.expression(parsed->expr());
  });
}

void warm_up_sql_parser() {
  static constexpr std::string_view kStatements =
      "SELECT a, t.b AS c, count(*) FROM t JOIN u ON t.id = u.id LEFT JOIN v USING (k)"
      " WHERE a = $1 AND b IN (1, 2) OR c LIKE 'x%' GROUP BY a HAVING sum(b) > 1"
      " ORDER BY 1 DESC NULLS LAST LIMIT 10 OFFSET 1 FOR UPDATE;"
      "WITH w AS (SELECT 1) SELECT * FROM w UNION ALL SELECT row_number() OVER (PARTITION BY a"
      " ORDER BY b) FROM (VALUES (1, 'x')) AS v(a, b);"
      "INSERT INTO t (a, b) VALUES (1, DEFAULT) ON CONFLICT (a) DO UPDATE SET b = 1 RETURNING *;"
      "UPDATE t SET a = a + 1 WHERE id = 1; DELETE FROM t WHERE id = $1;"
      "CREATE TABLE t (id int PRIMARY KEY, name varchar(10) NOT NULL DEFAULT 'x', UNIQUE (name));"
      "CREATE INDEX ON t (a); BEGIN; COMMIT; SET x = 1";
  (void)parse_sql(kStatements);
}

}  // namespace entail::grammar::sql

#include "grammar/parser.h"

#include <utility>

#include "DatalogParser.h"
#include "grammar/internal/item_parser.h"
#include "grammar/internal/item_splitter.h"
#include "grammar/internal/keywords.h"
#include "grammar/internal/scanner.h"
#include "grammar/internal/token_roles.h"
#include "grammar/internal/tree_builder.h"
#include "grammar/preprocessor.h"

namespace entail::grammar {

namespace {

using internal::ItemKind;
using internal::ItemTokens;
using internal::ScannedToken;
using P = antlr::DatalogParser;

bool is_number(std::uint16_t type) {
  return type == P::NUMBER || type == P::UNSIGNED || type == P::FLOAT;
}

class ProgramParser {
 public:
  ProgramParser(const PreprocessedText& text, const ParseOptions& options, const SourceFiles& files,
                Diagnostics& diagnostics)
      : options_(options),
        diagnostics_(diagnostics),
        scanner_(text, diagnostics),
        splitter_(scanner_, options, diagnostics),
        item_parser_(scanner_, diagnostics),
        builder_(scanner_, files, diagnostics),
        declared_(internal::find_declared_prefix_words(text.text())) {}

  Program run() {
    ItemTokens item;
    while (splitter_.next(item)) read(item);
    while (!open_.empty()) {
      diagnostics_.error(
          open_.back().span,
          "component '" + open_.back().as<Component>()->type.name.text + "' is never closed",
          "End it with '}'.");
      close_component(open_.back().span);
    }
    return std::move(program_);
  }

 private:
  std::vector<Item>& items() {
    return open_.empty() ? program_.items : open_.back().as<Component>()->items;
  }

  void read(ItemTokens& item) {
    if (item.refused) return;
    if (item.kind == ItemKind::kComponentEnd) {
      if (open_.empty()) {
        diagnostics_.error(scanner_.span(item.tokens.front()),
                           "unexpected '}'; no component is open");
      } else {
        close_component(scanner_.span(item.tokens.front()));
      }
      return;
    }
    if (item.kind == ItemKind::kStrayPlan) {
      diagnostics_.error(scanner_.span(item.tokens.front()),
                         "a '.plan' stands behind the clause it is for");
      return;
    }
    if (item.kind == ItemKind::kUnknownDirective) {
      unknown_directive(item);
      return;
    }
    if (item.kind == ItemKind::kOverride && open_.empty()) {
      diagnostics_.error(scanner_.span(item.tokens.front()), "'.override' stands in a component");
      return;
    }
    if (options_.fact_fast_path && read_fact(item)) return;
    internal::assign_roles(item, scanner_, declared_, options_.nesting_limit, diagnostics_);
    if (item.refused) return;
    const std::size_t errors_before = diagnostics_.error_count();
    antlr4::ParserRuleContext* tree = item_parser_.parse(item);
    if (tree == nullptr) {
      resume_after_error(item);
      return;
    }
    std::vector<Annotation> annotations;
    for (const ScannedToken& token : item.annotations)
      annotations.push_back(builder_.annotation(token));
    Item built = builder_.build(item.kind, tree, std::move(annotations));
    if (diagnostics_.error_count() != errors_before) return;
    add(std::move(built));
  }

  void unknown_directive(const ItemTokens& item) {
    const std::string word(
        scanner_.text_of(item.tokens.size() > 1 ? item.tokens[1] : item.tokens[0]));
    const std::string near =
        nearest_name(word, {"decl", "type", "input", "output", "printsize", "limitsize", "functor",
                            "pragma", "comp", "init", "override", "plan", "lattice", "include",
                            "once", "number_type", "symbol_type"});
    diagnostics_.error(joined(item.tokens[0], item.tokens[item.tokens.size() > 1 ? 1 : 0]),
                       "unknown directive '." + word + "'",
                       near.empty()   ? ""
                       : near == word ? "A directive's word needs a blank behind it."
                                      : "Did you mean '." + near + "'?");
  }

  // A mistake at the start of a line is often a missing end before it: what starts there is read as
  // an item of its own.
  void resume_after_error(const ItemTokens& item) {
    const std::size_t position = item_parser_.error_position();
    if (item.kind == ItemKind::kComponentHead) {
      // The items inside are read all the same, into a component that is dropped at the end.
      if (item.tokens.back().type == P::LBRACE) {
        Item broken;
        broken.span = scanner_.span(item.tokens.front());
        broken.node = Component{};
        open_.push_back(std::move(broken));
      }
      return;
    }
    if (position == 0 || position >= item.tokens.size()) return;
    const ScannedToken& token = item.tokens[position];
    const std::string_view text = scanner_.text();
    const bool at_line_start =
        token.first_on_line && (token.begin == 0 || text[token.begin - 1] == '\n');
    if (at_line_start && token.type == P::IDENT) splitter_.resume_at(token);
  }

  void close_component(const SourceSpan& closing) {
    Item component = std::move(open_.back());
    open_.pop_back();
    component.span = join(component.span, closing);
    const bool broken = component.as<Component>()->type.name.text.empty();
    if (!broken) items().push_back(std::move(component));
  }

  void add(Item item) {
    if (item.as<Component>() != nullptr) {
      if (open_.size() >= options_.nesting_limit) {
        diagnostics_.error(item.span, "nested too deep: components inside each other");
      }
      open_.push_back(std::move(item));
      return;
    }
    if (const Clause* clause = item.as<Clause>();
        clause != nullptr && add_as_fact(*clause, item.span))
      return;
    items().push_back(std::move(item));
  }

  // Facts ----------------------------------------------------------------------------------------

  // The Facts item that a fact of `arity` constants of `relation` belongs to: the last one, or a
  // new one.
  Facts& facts_for(std::string relation, const NodeSpan& relation_span, std::size_t arity,
                   const NodeSpan& fact_span) {
    std::vector<Item>& list = items();
    if (!list.empty()) {
      Facts* last = list.back().as<Facts>();
      if (last != nullptr && last->arity == arity && last->relation.text == relation) {
        list.back().span = join(list.back().span, fact_span);
        return *last;
      }
    }
    Item item;
    item.span = fact_span;
    Facts facts;
    facts.relation = {std::move(relation), relation_span};
    facts.arity = arity;
    item.node = std::move(facts);
    list.push_back(std::move(item));
    return *list.back().as<Facts>();
  }

  // A clause from ANTLR that is a fact of literals.
  bool add_as_fact(const Clause& clause, const NodeSpan& span) {
    if (clause.heads.size() != 1 || clause.body || !clause.plan.empty() ||
        !clause.annotations.empty() || clause.final)
      return false;
    const Atom& head = clause.heads.front();
    if (head.named) return false;
    for (const Expr& arg : head.args) {
      if (arg.as<Literal>() == nullptr || arg.as<Literal>()->kind == LiteralKind::kNull)
        return false;
    }
    Facts& facts = facts_for(head.relation.text, head.relation.span, head.args.size(), span);
    for (const Expr& arg : head.args) {
      const Literal& literal = *arg.as<Literal>();
      facts.constants.push_back({literal.kind, literal.text, arg.span});
    }
    facts.spans.push_back(span);
    return true;
  }

  // name(constant, …).  read without ANTLR. False, and nothing done, when the item is anything
  // else.
  bool read_fact(const ItemTokens& item) {
    const std::vector<ScannedToken>& tokens = item.tokens;
    if (item.kind != ItemKind::kClause || !item.annotations.empty() || tokens.size() < 4 ||
        tokens.back().type != P::END)
      return false;
    std::size_t i = 0;
    while (i + 1 < tokens.size() && tokens[i].type == P::IDENT && tokens[i + 1].type == P::DOT)
      i += 2;
    if (tokens[i].type != P::IDENT || tokens[i + 1].type != P::LPAREN) return false;
    const std::size_t name_end = i + 1;
    const std::size_t close = tokens.size() - 2;
    if (tokens[close].type != P::RPAREN) return false;
    std::size_t arity = 0;
    for (std::size_t at = name_end + 1; at < close;) {
      if (arity > 0 && tokens[at++].type != P::COMMA) return false;
      if (at < close && tokens[at].type == P::MINUS) {
        if (at + 1 >= close || !is_number(tokens[++at].type)) return false;
      }
      if (at >= close || !internal::is_literal(tokens[at].type)) return false;
      ++at;
      ++arity;
    }
    const std::size_t errors_before = diagnostics_.error_count();
    const NodeSpan span = joined(tokens.front(), tokens.back());
    std::vector<Constant> constants;
    constants.reserve(arity);
    for (std::size_t at = name_end + 1; at < close; ++at) {
      if (tokens[at].type == P::COMMA) continue;
      const bool negative = tokens[at].type == P::MINUS;
      const ScannedToken& first = tokens[at];
      if (negative) ++at;
      Literal literal = builder_.literal(tokens[at]);
      if (negative) literal.text.insert(literal.text.begin(), '-');
      constants.push_back({literal.kind, std::move(literal.text), joined(first, tokens[at])});
    }
    if (diagnostics_.error_count() != errors_before) return true;
    std::string relation;
    for (std::size_t at = 0; at < name_end; at += 2) {
      if (at > 0) relation += '.';
      std::string_view part = scanner_.text_of(tokens[at]);
      if (tokens[at].quoted) part = part.substr(1, part.size() - 2);
      relation += part;
    }
    Facts& facts =
        facts_for(std::move(relation), joined(tokens.front(), tokens[name_end - 1]), arity, span);
    facts.constants.insert(facts.constants.end(), std::make_move_iterator(constants.begin()),
                           std::make_move_iterator(constants.end()));
    facts.spans.push_back(span);
    return true;
  }

  NodeSpan joined(const ScannedToken& first, const ScannedToken& last) const {
    ScannedToken whole = first;
    whole.end = last.end;
    return scanner_.span(whole);
  }

  const ParseOptions& options_;
  Diagnostics& diagnostics_;
  internal::Scanner scanner_;
  internal::ItemSplitter splitter_;
  internal::ItemParser item_parser_;
  internal::TreeBuilder builder_;
  internal::DeclaredNames declared_;
  Program program_;
  std::vector<Item> open_;  // Components whose items are being read, outermost first.
};

Program parse_added(FileId file, const ParseOptions& options, FileReader& reader,
                    SourceFiles& files, Diagnostics& diagnostics) {
  PreprocessedText text;
  preprocess(file, options, reader, files, diagnostics, text);
  return ProgramParser(text, options, files, diagnostics).run();
}

}  // namespace

Expected<FileReader::File> NoFiles::open(const std::string& name, const std::string&) {
  return unexpected(ErrorCode::kNotFound, "no files can be included here (" + name + ")");
}

Program parse_text(std::string name, std::string text, const ParseOptions& options,
                   FileReader& reader, SourceFiles& files, Diagnostics& diagnostics) {
  return parse_added(files.add(std::move(name), std::move(text)), options, reader, files,
                     diagnostics);
}

Program parse_file(const std::string& name, const ParseOptions& options, FileReader& reader,
                   SourceFiles& files, Diagnostics& diagnostics) {
  Expected<FileReader::File> opened = reader.open(name, {});
  if (!opened) {
    diagnostics.error({}, "cannot read '" + name + "': " + opened.error().message);
    return {};
  }
  return parse_added(files.add(opened->name, opened->text), options, reader, files, diagnostics);
}

std::optional<std::string> property_text(const Property& property) {
  if (const auto* variable = property.value.as<Variable>()) return variable->name;
  const auto* literal = property.value.as<Literal>();
  if (literal == nullptr) return std::nullopt;
  switch (literal->kind) {
    case LiteralKind::kTrue:
      return "true";
    case LiteralKind::kFalse:
      return "false";
    case LiteralKind::kNil:
      return "nil";
    case LiteralKind::kNull:
      return "null";
    default:
      return literal->text;
  }
}

}  // namespace entail::grammar

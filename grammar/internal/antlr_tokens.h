// grammar/internal/antlr_tokens.h - the tokens of one statement or item as ANTLR wants to read them.
//
// ANTLR's own token objects hold strings and stream pointers; ours point into the text. The stream is fully
// known, with an end-of-file token behind it. `Scanned` is a token of one of our scanners: it has a type, and
// offsets `begin` and `end` in the text.

#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <antlr4-runtime.h>

namespace entail::grammar::internal {

template <typename Scanned>
class AntlrToken final : public antlr4::Token {
 public:
  AntlrToken(const Scanned& scanned, std::size_t type, std::size_t position, std::string_view text)
      : scanned_(scanned), type_(type), position_(position), text_(text) {}

  const Scanned& scanned() const { return scanned_; }

  std::string getText() const override {
    return std::string(text_.substr(scanned_.begin, scanned_.end - scanned_.begin));
  }
  std::size_t getType() const override { return type_; }
  std::size_t getLine() const override { return 0; }
  std::size_t getCharPositionInLine() const override { return 0; }
  std::size_t getChannel() const override { return antlr4::Token::DEFAULT_CHANNEL; }
  std::size_t getTokenIndex() const override { return position_; }
  std::size_t getStartIndex() const override { return scanned_.begin; }
  std::size_t getStopIndex() const override { return scanned_.end; }
  antlr4::TokenSource* getTokenSource() const override { return nullptr; }
  antlr4::CharStream* getInputStream() const override { return nullptr; }
  std::string toString() const override { return getText(); }

 private:
  Scanned scanned_;
  std::size_t type_;
  std::size_t position_;
  std::string_view text_;
};

template <typename Scanned>
class AntlrTokenStream final : public antlr4::TokenStream {
 public:
  explicit AntlrTokenStream(std::string_view text) : text_(text) {}

  // `end`: where the end-of-file token stands.
  void assign(std::span<const Scanned> tokens, const Scanned& end) {
    tokens_.clear();
    tokens_.reserve(tokens.size() + 1);
    for (const Scanned& token : tokens) {
      tokens_.emplace_back(token, token.type, tokens_.size(), text_);
    }
    tokens_.emplace_back(end, antlr4::Token::EOF, tokens_.size(), text_);
    position_ = 0;
  }

  antlr4::Token* LT(ssize_t k) override {
    const auto wanted = static_cast<ssize_t>(position_) + (k > 0 ? k - 1 : k);
    if (wanted < 0) return nullptr;
    return &tokens_[std::min(static_cast<std::size_t>(wanted), tokens_.size() - 1)];
  }
  std::size_t LA(ssize_t k) override {
    const antlr4::Token* token = LT(k);
    return token == nullptr ? 0 : token->getType();
  }
  antlr4::Token* get(std::size_t index) const override {
    return &tokens_[std::min(index, tokens_.size() - 1)];
  }
  void consume() override { position_ = std::min(position_ + 1, tokens_.size() - 1); }
  ssize_t mark() override { return 0; }
  void release(ssize_t) override {}
  std::size_t index() override { return position_; }
  void seek(std::size_t index) override { position_ = std::min(index, tokens_.size() - 1); }
  std::size_t size() override { return tokens_.size(); }
  std::string getSourceName() const override { return {}; }
  antlr4::TokenSource* getTokenSource() const override { return nullptr; }
  std::string getText(const antlr4::misc::Interval&) override { return {}; }
  std::string getText() override { return {}; }
  std::string getText(antlr4::RuleContext*) override { return {}; }
  std::string getText(antlr4::Token*, antlr4::Token*) override { return {}; }

 private:
  std::string_view text_;
  mutable std::vector<AntlrToken<Scanned>> tokens_;  // ANTLR's get() is const, its token is not.
  std::size_t position_ = 0;
};

}  // namespace entail::grammar::internal

// Standing relations against a model that is too simple to be wrong: a list of rows, copied at each step,
// epoch and version. Values are few, so that rows come, go and come back all the time.

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <set>

#include "vm/base/random.h"
#include "vm/standing_relation.h"
#include "vm/type_table.h"
#include "vm/value_pool.h"

namespace entail::vm {
namespace {

using Tuple = std::vector<Word>;
using Tuples = std::vector<Tuple>;  // Sorted.

constexpr Word kOpenSource = ~Word{0};

enum class Kind : std::uint8_t { kCounted, kRanked, kBag, kKeyed };

struct ModelRow {
  Tuple tuple;
  bool stated = false;
  std::int64_t weight = 0;
  std::uint32_t rank = 0;
  DurableId id;
  std::uint64_t identity = 0;  // 0: not asked for yet.
};
using Model = std::vector<ModelRow>;

Tuples tuples_of(const Model& model) {
  Tuples tuples;
  for (const ModelRow& row : model) tuples.push_back(row.tuple);
  std::sort(tuples.begin(), tuples.end());
  return tuples;
}

// Those of a that are not in b.
Tuples minus(const Tuples& a, const Tuples& b) {
  Tuples rest;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(rest));
  return rest;
}

struct Changes {
  explicit Changes(std::size_t arity) : words(arity) {}
  void add(const Tuple& tuple, std::int64_t weight, std::uint32_t rank, DurableId id) {
    for (std::size_t c = 0; c < words.size(); ++c) words[c].push_back(tuple[c]);
    weights.push_back(weight);
    ranks.push_back(rank);
    ids.push_back(id);
  }
  Tuple tuple(std::size_t i) const {
    Tuple result;
    for (const auto& column : words) result.push_back(column[i]);
    return result;
  }
  std::size_t size() const { return weights.size(); }
  std::vector<const Word*> columns() const {
    std::vector<const Word*> pointers;
    for (const auto& column : words) pointers.push_back(column.data());
    return pointers;
  }
  std::vector<std::vector<Word>> words;
  std::vector<std::int64_t> weights;
  std::vector<std::uint32_t> ranks;
  std::vector<DurableId> ids;
};

class Trial {
 public:
  explicit Trial(std::uint64_t seed) : random_(seed), pool_(types_) {
    kind_ = static_cast<Kind>(seed % 4);
    with_versions_ = seed / 4 % 2 == 0;
    RelationOptions options;
    options.name = "r";
    options.columns.resize(2 + random_.below(2));
    arity_ = options.columns.size();
    options.columns[1].order = ColumnOrderKind::kText;
    options.columns[1].handle = true;
    options.bag = kind_ == Kind::kBag;
    if (kind_ == Kind::kKeyed) options.key = {0};
    options.weights = kind_ == Kind::kCounted || (kind_ == Kind::kKeyed && random_.chance(1, 2));
    options.ranks = kind_ == Kind::kRanked || (kind_ == Kind::kCounted && random_.chance(1, 2));
    options.identities = random_.chance(1, 2);
    options.budget = &budget_;
    options.pool = &pool_;
    given_ids_ = random_.chance(1, 2);
    relation_ =
        StandingRelation::create(std::move(options), with_versions_ ? &pins_ : nullptr).value();
  }

  void run() {
    for (int operation = 0; operation < 150; ++operation) {
      if (random_.chance(1, 30)) add_index();
      const bool is_ok = change();
      if (is_ok) check();
      if (!is_ok || random_.chance(1, 12)) {
        relation_->abort();
        total_ = old_ = committed_;
        ordinal_ = 0;
        check();
      } else if (random_.chance(1, 3)) {
        relation_->end_step();
        old_ = total_;
        check();
      }
      if (random_.chance(1, 8)) {
        commit();
        if (pinned_.empty() && random_.chance(1, 3)) hand_over();
      }
      relation_->verify();
      pool_.end_step();
      if (random_.chance(1, 6)) change_pins();
    }
    pinned_.clear();
    relation_->abort();
    relation_->reclaim();
    REQUIRE(relation_->bytes_held_by_pins() == 0);
    relation_->verify();
    relation_.reset();
    pool_.end_step();
    REQUIRE(pool_.stats().entries_live == 0);
    REQUIRE(budget_.used() == 0);
  }

 private:
  struct Pinned {
    ReadPin pin;
    Tuples tuples;
  };

  // --- values

  Tuple tuple() {
    Tuple tuple = {random_.below(4),
                   pool_.intern("a text of some length " + std::to_string(random_.below(3)))};
    if (arity_ == 3) tuple.push_back(random_.chance(1, 40) ? random_.next() : random_.below(2));
    return tuple;
  }
  Tuple known_tuple() {
    return total_.empty() || random_.chance(1, 4) ? tuple() : random_.pick(total_).tuple;
  }
  ModelRow* find_in(Model& model, const Tuple& tuple) {
    for (ModelRow& row : model) {
      if (row.tuple == tuple) return &row;
    }
    return nullptr;
  }

  // --- changes: false when it failed, as it must

  bool change() {
    Changes changes(arity_);
    for (std::uint64_t n = random_.below(6) + random_.below(2) * random_.below(10); n-- > 0;) {
      std::int64_t weight = random_.between(-2, 2);
      const Tuple one = weight < 0 ? known_tuple() : tuple();
      changes.add(one, weight, static_cast<std::uint32_t>(random_.below(100)),
                  {random_.below(3), next_given_id_});
      next_given_id_ += 2;
    }
    if (kind_ == Kind::kBag) return change_bag(changes);
    if (kind_ == Kind::kKeyed && random_.chance(1, 2)) return replace(changes);
    if (kind_ == Kind::kRanked && random_.chance(1, 3)) return insert_ranked(changes);
    if (kind_ == Kind::kRanked && random_.chance(1, 2)) return remove();
    if (relation_->options().ranks && random_.chance(1, 6)) return set_rank();
    return change_set(changes, random_.chance(1, 2) ? Counting::kStated : Counting::kDerived);
  }

  StandingRelation::Batch batch(const Changes& changes, const std::vector<const Word*>& columns) {
    return {.columns = columns,
            .n = changes.size(),
            .weights = changes.weights.data(),
            .ranks = changes.ranks.data(),
            .ids = given_ids_ && kind_ == Kind::kBag ? changes.ids.data() : nullptr};
  }

  bool has_key(const Tuple& tuple) const {
    return kind_ == Kind::kKeyed && std::any_of(total_.begin(), total_.end(), [&](const auto& row) {
             return row.tuple[0] == tuple[0];
           });
  }

  bool change_set(Changes& changes, Counting counting) {
    // Equal rows summed; deletions first; the rank is that of the first insertion.
    struct Net {
      Tuple tuple;
      std::int64_t weight;
      std::uint32_t rank;
      bool inserts;
    };
    std::vector<Net> nets;
    const bool keeps_weights = relation_->options().weights;
    for (std::size_t i = 0; i < changes.size(); ++i) {
      const Tuple one = changes.tuple(i);
      auto net = std::find_if(nets.begin(), nets.end(),
                              [&](const Net& other) { return other.tuple == one; });
      // What the contract asks of derived weights: no sum below 0.
      const ModelRow* const row = find_in(total_, one);
      const std::int64_t before =
          (row == nullptr ? 0 : row->weight) + (net == nets.end() ? 0 : net->weight);
      if (counting == Counting::kDerived && before + changes.weights[i] < 0) {
        changes.weights[i] = -before;
      }
      const std::int64_t weight = changes.weights[i];
      if (net == nets.end()) {
        nets.push_back({one, weight, changes.ranks[i], weight > 0});
        continue;
      }
      net->weight += weight;
      if (weight > 0 && !net->inserts) {
        net->rank = changes.ranks[i];
        net->inserts = true;
      }
    }
    std::stable_partition(nets.begin(), nets.end(), [](const Net& net) { return net.weight < 0; });
    bool is_ok = true;
    for (const Net& net : nets) {
      if (net.weight == 0) continue;
      ModelRow* const row = find_in(total_, net.tuple);
      ModelRow next = row == nullptr ? ModelRow{net.tuple} : *row;
      if (counting == Counting::kStated) {
        if (net.weight < 0) ignored_ += static_cast<std::uint64_t>(-net.weight) - next.stated;
        next.stated = net.weight > 0;
      } else {
        next.weight += net.weight;
        if (!keeps_weights) next.weight = std::min<std::int64_t>(next.weight, 1);
      }
      const bool is_there = next.stated || next.weight > 0;
      if (row != nullptr && is_there) {
        *row = next;
      } else if (row != nullptr) {
        take_out(net.tuple);
      } else if (is_there) {
        if (has_key(net.tuple)) {
          is_ok = false;
          break;
        }
        next.rank = net.rank;
        put_in(next);
      }
    }
    const auto columns = changes.columns();
    const auto done = relation_->apply(batch(changes, columns), counting);
    REQUIRE(done.has_value() == is_ok);
    if (!is_ok) REQUIRE(done.error().code == ErrorCode::kData);
    return is_ok;
  }

  bool replace(const Changes& changes) {
    const bool stated = random_.chance(2, 3);
    bool is_ok = true;
    for (std::size_t i = 0; i < changes.size() && is_ok; ++i) {
      const Tuple one = changes.tuple(i);
      if (ModelRow* const row = find_in(total_, one)) {
        row->stated |= stated;
        if (!stated) row->weight = std::max<std::int64_t>(row->weight, 1);
        continue;
      }
      const auto other = std::find_if(total_.begin(), total_.end(),
                                      [&](const ModelRow& row) { return row.tuple[0] == one[0]; });
      if (other != total_.end()) {
        if (other->stated != stated || (other->weight > 0) == stated) {
          is_ok = false;
          break;
        }
        take_out(Tuple(other->tuple));
      }
      ModelRow row{one};
      row.stated = stated;
      row.weight = stated ? 0 : 1;
      put_in(row);
    }
    const auto columns = changes.columns();
    const auto done = relation_->replace(batch(changes, columns),
                                         stated ? Counting::kStated : Counting::kDerived);
    REQUIRE(done.has_value() == is_ok);
    return is_ok;
  }

  bool insert_ranked(const Changes& changes) {
    Tuples expected;
    for (std::size_t i = 0; i < changes.size(); ++i) {
      const Tuple one = changes.tuple(i);
      if (find_in(total_, one) != nullptr) continue;
      ModelRow row{one};
      row.weight = 1;
      row.rank = changes.ranks[i];
      put_in(row);
      expected.push_back(one);
    }
    const auto columns = changes.columns();
    std::vector<Row> fresh;
    REQUIRE(
        relation_->insert_ranked(columns, changes.size(), changes.ranks.data(), fresh).has_value());
    Tuples found;
    for (const Row row : fresh) found.push_back(load(row));
    REQUIRE(found == expected);
    return true;
  }

  bool remove() {
    std::vector<Row> rows;
    for (const ModelRow& row : Model(total_)) {
      if (row.stated || random_.chance(1, 2)) continue;
      rows.push_back(row_of(View::kTotal, row.tuple));
      take_out(row.tuple);
    }
    relation_->remove(rows);
    return true;
  }

  bool set_rank() {
    if (total_.empty()) return true;
    ModelRow& row = total_[random_.below(total_.size())];
    row.rank = static_cast<std::uint32_t>(random_.below(100));
    relation_->set_rank(row_of(View::kTotal, row.tuple), row.rank);
    return true;
  }

  bool change_bag(Changes& changes) {
    const bool stated = random_.chance(1, 2);
    // Deletions by id mostly mean a row that is there.
    for (std::size_t i = 0; given_ids_ && i < changes.size(); ++i) {
      if (changes.weights[i] >= 0 || total_.empty() || random_.chance(1, 4)) continue;
      for (const ModelRow& row : total_) {
        if (row.tuple == changes.tuple(i) && random_.chance(1, 2)) changes.ids[i] = row.id;
      }
    }
    for (std::size_t i = 0; i < changes.size(); ++i) {
      for (std::int64_t k = 0; k < changes.weights[i]; ++k) {
        ModelRow row{changes.tuple(i)};
        row.stated = stated;
        row.weight = stated ? 0 : 1;
        row.id = given_ids_ ? DurableId{changes.ids[i].source,
                                        changes.ids[i].ordinal + static_cast<Word>(k)}
                            : DurableId{kOpenSource, ordinal_++};
        total_.push_back(row);
      }
      for (std::int64_t k = changes.weights[i]; k < 0; ++k) {
        auto newest = total_.end();
        for (auto row = total_.begin(); row != total_.end(); ++row) {
          if (row->tuple != changes.tuple(i) || row->stated != stated) continue;
          if (given_ids_ && row->id != changes.ids[i]) continue;
          if (newest == total_.end() || newest->id < row->id) newest = row;
        }
        if (newest == total_.end()) {
          ++ignored_;
        } else {
          total_.erase(newest);
        }
      }
    }
    const auto columns = changes.columns();
    REQUIRE(
        relation_->apply(batch(changes, columns), stated ? Counting::kStated : Counting::kDerived)
            .has_value());
    // The next batch may mix, so that ids do not simply ascend.
    if (random_.chance(1, 4)) given_ids_ = !given_ids_;
    return true;
  }

  void put_in(ModelRow row) {
    // A row that comes back in the step in which it left is the same one.
    const ModelRow* const before = find_in(old_, row.tuple);
    row.identity = before == nullptr ? 0 : before->identity;
    total_.push_back(row);
  }
  void take_out(const Tuple& tuple) {
    std::erase_if(total_, [&](const ModelRow& row) { return row.tuple == tuple; });
  }

  // --- ends

  void commit() {
    const auto tuples = [&](const std::vector<Row>& rows) {
      Tuples found;
      for (const Row row : rows) found.push_back(load(row));
      std::sort(found.begin(), found.end());
      return found;
    };
    const Tuples now = tuples_of(total_);
    const Tuples before = tuples_of(committed_);
    const Tuples entered = tuples(relation_->epoch_entered());
    const Tuples left = tuples(relation_->epoch_left());
    REQUIRE(minus(entered, left) == minus(now, before));
    REQUIRE(minus(left, entered) == minus(before, now));
    if (kind_ != Kind::kBag) REQUIRE(entered == minus(now, before));
    version_ += 1 + random_.below(2);
    relation_->commit(version_);
    if (with_versions_) pins_.publish(version_);
    for (ModelRow& row : total_) {
      if (row.id.source == kOpenSource) row.id.source = version_;
    }
    ordinal_ = 0;
    old_ = committed_ = total_;
    check();
    // Everything has its identity from now on.
    for (ModelRow& row : committed_) {
      if (const ModelRow* const same = find_in(total_, row.tuple)) row.identity = same->identity;
    }
    old_ = committed_;
  }

  // The rows in a relation as another process makes it of an image.
  void hand_over() {
    const RelationOptions& options = relation_->options();
    auto next = StandingRelation::create(options, with_versions_ ? &pins_ : nullptr).value();
    REQUIRE(next->begin_restore(relation_->size()));
    Row rows[7];
    Row position = 0;
    while (const std::size_t n =
               relation_->scan(View::kTotal, position, rows, 1 + random_.below(7))) {
      Changes image(arity_);
      std::vector<std::uint8_t> held;
      std::vector<std::uint64_t> identities;
      for (std::size_t i = 0; i < n; ++i) {
        const Row row = rows[i];
        held.push_back((relation_->is_stated(row) ? 1 : 0) | (relation_->is_derived(row) ? 2 : 0));
        image.add(load(row), relation_->weight(row), options.ranks ? relation_->rank(row) : 0,
                  options.bag ? relation_->durable_id(row) : DurableId());
        if (options.identities) identities.push_back(relation_->identity(row));
      }
      const auto columns = image.columns();
      REQUIRE(next->restore({.columns = columns,
                             .n = n,
                             .held = held.data(),
                             .weights = image.weights.data(),
                             .ranks = image.ranks.data(),
                             .ids = image.ids.data(),
                             .identities = options.identities ? identities.data() : nullptr}));
    }
    next->set_next_identity(relation_->next_identity());
    REQUIRE(next->end_restore(++version_));
    for (std::size_t k = 0; k < relation_->index_count(); ++k) {
      REQUIRE(next->add_index(relation_->index_spec(k)).value() == k);
    }
    relation_ = std::move(next);
    if (with_versions_) pins_.publish(version_);
    ignored_ = 0;
    relation_->verify();
    check();
  }

  void change_pins() {
    if (!with_versions_ || version_ == 0) return;
    if (pinned_.size() < 4) pinned_.push_back({pins_.pin().value(), tuples_of(committed_)});
    if (random_.chance(1, 2)) {
      pinned_.erase(pinned_.begin() + static_cast<std::ptrdiff_t>(random_.below(pinned_.size())));
      relation_->reclaim();
    }
  }

  void add_index() {
    if (indexes_.size() == 5) return;
    IndexSpec spec;
    for (std::uint32_t c = 0; c < arity_; ++c) {
      if (random_.chance(1, 2)) spec.key.push_back(c);
    }
    if (random_.chance(1, 2)) {
      spec.range_column = static_cast<std::int32_t>(random_.below(arity_));
      std::erase(spec.key, static_cast<std::uint32_t>(spec.range_column));
    } else if (spec.key.empty()) {
      spec.key.push_back(0);
    }
    const std::uint32_t number = relation_->add_index(spec).value();
    const auto known = indexes_.find(number);
    if (known != indexes_.end()) REQUIRE(known->second.key == spec.key);
    indexes_[number] = spec;
  }

  // --- looking

  Tuple load(Row row) const {
    Tuple tuple(arity_);
    for (std::uint32_t c = 0; c < arity_; ++c) relation_->load(c, &row, 1, &tuple[c]);
    return tuple;
  }
  Tuple load(const ReadPin& pin, Row row) const {
    Tuple tuple(arity_);
    for (std::uint32_t c = 0; c < arity_; ++c) {
      REQUIRE(relation_->load(pin, c, &row, 1, &tuple[c]).has_value());
    }
    return tuple;
  }
  Row row_of(View view, const Tuple& tuple) const {
    std::vector<const Word*> columns;
    for (const Word& word : tuple) columns.push_back(&word);
    Row row = 0;
    relation_->find(view, columns, 1, &row);
    return row;
  }

  void check() {
    check_view(View::kTotal, total_);
    check_view(View::kOld, old_);
    REQUIRE(relation_->size() == total_.size());
    REQUIRE(relation_->ignored_deletions() == ignored_);
    Tuples entered;
    Tuples left;
    for (const Row row : relation_->entered()) entered.push_back(load(row));
    for (const Row row : relation_->left()) left.push_back(load(row));
    std::sort(entered.begin(), entered.end());
    std::sort(left.begin(), left.end());
    const Tuples now = tuples_of(total_);
    const Tuples before = tuples_of(old_);
    REQUIRE(minus(entered, left) == minus(now, before));
    REQUIRE(minus(left, entered) == minus(before, now));
    if (kind_ != Kind::kBag) REQUIRE(entered == minus(now, before));
    check_rows();
    for (const Pinned& pinned : pinned_) check_reader(pinned);
  }

  void check_view(View view, const Model& model) {
    Tuples found;
    Row rows[5];
    Row position = 0;
    while (const std::size_t n = relation_->scan(view, position, rows, 5)) {
      for (std::size_t i = 0; i < n; ++i) found.push_back(load(rows[i]));
    }
    std::sort(found.begin(), found.end());
    REQUIRE(found == tuples_of(model));
    // Membership, several at once.
    Changes wanted(arity_);
    for (std::uint64_t n = 1 + random_.below(8); n-- > 0;) wanted.add(known_tuple(), 1, 0, {});
    std::vector<Row> out(wanted.size());
    relation_->find(view, wanted.columns(), wanted.size(), out.data());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      std::optional<DurableId> newest;
      for (const ModelRow& row : model) {
        if (row.tuple == wanted.tuple(i)) newest = std::max(newest.value_or(row.id), row.id);
      }
      REQUIRE((out[i] != kNoRow) == newest.has_value());
      if (newest) REQUIRE(load(out[i]) == wanted.tuple(i));
      if (newest && kind_ == Kind::kBag) REQUIRE(relation_->durable_id(out[i]) == *newest);
    }
    for (const auto& [number, spec] : indexes_) check_index(number, spec, view, model);
  }

  // What is known of each row.
  void check_rows() {
    if (kind_ == Kind::kBag) return;
    for (ModelRow& row : total_) {
      const Row id = row_of(View::kTotal, row.tuple);
      REQUIRE(relation_->is_stated(id) == row.stated);
      REQUIRE(relation_->weight(id) == row.weight);
      if (relation_->options().ranks) REQUIRE(relation_->rank(id) == row.rank);
      if (!relation_->options().identities) continue;
      const std::uint64_t identity = relation_->identity(id);
      if (row.identity == 0) {
        row.identity = identity;
      } else {
        REQUIRE(identity == row.identity);
      }
    }
    if (!relation_->options().identities) return;
    std::set<std::uint64_t> identities;
    for (const ModelRow& row : total_) REQUIRE(identities.insert(row.identity).second);
  }

  void check_index(std::uint32_t number, const IndexSpec& spec, View view, const Model& model) {
    const std::size_t n = 1 + random_.below(7);
    Tuples wanted;
    for (std::size_t i = 0; i < n; ++i) wanted.push_back(known_tuple());
    std::vector<std::vector<Word>> keys(spec.key.size());
    std::vector<const Word*> pointers;
    for (std::size_t k = 0; k < keys.size(); ++k) {
      for (const Tuple& one : wanted) keys[k].push_back(one[spec.key[k]]);
      pointers.push_back(keys[k].data());
    }
    std::vector<Row> rows;
    std::vector<std::uint32_t> lanes;
    std::vector<Word> low;
    std::vector<Word> high;
    const bool has_low = random_.chance(1, 2);
    const bool has_high = random_.chance(1, 2);
    const bool takes_low = random_.chance(1, 2);
    const bool takes_high = random_.chance(1, 2);
    const auto range = static_cast<std::size_t>(spec.range_column);
    const bool is_ordered = spec.range_column >= 0;
    if (is_ordered) {
      for (std::size_t i = 0; i < n; ++i) {
        low.push_back(known_tuple()[range]);
        high.push_back(known_tuple()[range]);
      }
      relation_->probe_range(number, view, pointers, has_low ? low.data() : nullptr, takes_low,
                             has_high ? high.data() : nullptr, takes_high, n, rows, lanes);
    } else {
      relation_->probe(number, view, pointers, n, rows, lanes);
    }
    REQUIRE(std::is_sorted(lanes.begin(), lanes.end()));
    const ColumnOrderKind order =
        is_ordered ? relation_->options().columns[range].order : ColumnOrderKind::kSigned;
    std::vector<std::uint8_t> any(n);
    if (!is_ordered) relation_->probe_any(number, view, pointers, n, any.data());
    for (std::uint32_t lane = 0; lane < n; ++lane) {
      Tuples found;
      for (std::size_t i = 0; i < rows.size(); ++i) {
        if (lanes[i] == lane) found.push_back(load(rows[i]));
      }
      if (is_ordered) {
        REQUIRE(std::is_sorted(found.begin(), found.end(), [&](const Tuple& a, const Tuple& b) {
          return compare_words(a[range], b[range], order, &pool_) < 0;
        }));
      }
      Tuples expected;
      for (const ModelRow& row : model) {
        bool fits = std::all_of(spec.key.begin(), spec.key.end(),
                                [&](std::uint32_t c) { return row.tuple[c] == wanted[lane][c]; });
        if (is_ordered && has_low) {
          const int sign = compare_words(row.tuple[range], low[lane], order, &pool_);
          fits &= sign > 0 || (sign == 0 && takes_low);
        }
        if (is_ordered && has_high) {
          const int sign = compare_words(row.tuple[range], high[lane], order, &pool_);
          fits &= sign < 0 || (sign == 0 && takes_high);
        }
        if (fits) expected.push_back(row.tuple);
      }
      std::sort(found.begin(), found.end());
      std::sort(expected.begin(), expected.end());
      REQUIRE(found == expected);
      if (!is_ordered) REQUIRE((any[lane] != 0) == !expected.empty());
    }
  }

  void check_reader(const Pinned& pinned) {
    Tuples found;
    Row rows[5];
    Row position = 0;
    while (const std::size_t n = relation_->scan(pinned.pin, position, rows, 5).value()) {
      for (std::size_t i = 0; i < n; ++i) found.push_back(load(pinned.pin, rows[i]));
    }
    std::sort(found.begin(), found.end());
    REQUIRE(found == pinned.tuples);
    for (const auto& [number, spec] : indexes_) {
      if (spec.range_column >= 0) continue;
      const Tuple wanted = pinned.tuples.empty() ? tuple() : random_.pick(pinned.tuples);
      std::vector<const Word*> keys;
      for (const std::uint32_t column : spec.key) keys.push_back(&wanted[column]);
      std::vector<Row> matches;
      std::vector<std::uint32_t> lanes;
      REQUIRE(relation_->probe(pinned.pin, number, keys, 1, matches, lanes).has_value());
      const auto expected =
          std::count_if(pinned.tuples.begin(), pinned.tuples.end(), [&](const Tuple& one) {
            return std::all_of(spec.key.begin(), spec.key.end(),
                               [&](std::uint32_t c) { return one[c] == wanted[c]; });
          });
      REQUIRE(matches.size() == static_cast<std::size_t>(expected));
    }
  }

  Random random_;
  TypeTable types_;
  ValuePool pool_;
  PinRegistry pins_;
  MemoryBudget budget_;
  Kind kind_ = Kind::kCounted;
  bool with_versions_ = false;
  bool given_ids_ = false;
  std::size_t arity_ = 2;
  std::unique_ptr<StandingRelation> relation_;
  std::map<std::uint32_t, IndexSpec> indexes_;
  std::vector<Pinned> pinned_;
  Model total_;
  Model old_;
  Model committed_;
  Version version_ = 0;
  Word ordinal_ = 0;
  Word next_given_id_ = 1'000'000;  // Not the ids that commits give.
  std::uint64_t ignored_ = 0;
};

TEST_CASE("a standing relation agrees with a model through steps, epochs, aborts and pins") {
  const bool is_short = std::getenv("ENTAIL_PROPERTY_SHORT") != nullptr;
  for (std::uint64_t seed = 0; seed < (is_short ? 40U : 160U); ++seed) {
    INFO("seed " << seed);
    Trial(seed).run();
  }
}

}  // namespace
}  // namespace entail::vm

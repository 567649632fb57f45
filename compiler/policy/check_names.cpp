// Names: what the files define, what is mentioned, what is never used.
#include "compiler/base/overloaded.h"
#include "compiler/policy/check_context.h"

#include <algorithm>
#include <cctype>

namespace xdpc::checking {

namespace {

constexpr unsigned max_include_depth = 64;

Diagnostic& duplicate(Context& context, std::string_view kind, const ast::Name& name, Span first) {
    return context.report(Diag::DuplicateName, name.span, kind, name.text)
        .with_note(first, "first defined here");
}

void collect_chain(Context& context, const ast::Chain& chain, Span span) {
    const ChainId id{static_cast<uint32_t>(context.policy.chains.size())};
    const auto [found, fresh] = context.chains.try_emplace(chain.name.text, id);
    if (!fresh) {
        duplicate(context, "chain", chain.name, context.chain_items[found->second.value]->name.span);
    }
    if (!chain.hook.empty()) {
        context.report(Diag::HookIgnored, chain.hook[0].span, chain.name.text);
    }
    Chain result;
    result.id = id;
    result.name = chain.name.text;
    result.span = span;
    context.policy.chains.push_back(std::move(result));
    context.chain_items.push_back(&chain);
}

struct OptionRow {
    std::string_view name;
    std::vector<std::string_view> values;
    void (*set)(Options&, size_t value); // by index of `values`
};

const std::vector<OptionRow>& option_rows() {
    static const std::vector<OptionRow> rows = {
        {"counters", {"on", "off"}, [](Options& all, size_t value) { all.counters = value == 0; }},
        {"capture", {"on", "off"}, [](Options& all, size_t value) { all.capture = value == 0; }},
        {"optimize",
         {"build", "speed", "size"},
         [](Options& all, size_t value) { all.optimize = static_cast<Optimize>(value); }},
    };
    return rows;
}

void collect_option(Context& context, const std::vector<ast::Name>& entry) {
    const ast::Name& name = entry[0];
    const auto& rows = option_rows();
    const auto row = std::find_if(rows.begin(), rows.end(),
                                  [&](const OptionRow& known) { return known.name == name.text; });
    if (row == rows.end()) {
        std::vector<std::string> names;
        for (const OptionRow& known : rows) {
            names.emplace_back(known.name);
        }
        context.report(Diag::UnknownOption, name.span, "option", name.text)
            .with_hint(did_you_mean(name.text, names));
        return;
    }
    const auto value = entry.size() == 2 ? std::find(row->values.begin(), row->values.end(), entry[1].text)
                                         : row->values.end();
    if (value == row->values.end()) {
        std::vector<std::string> right;
        for (const std::string_view known : row->values) {
            right.push_back(fmt::format("`options {} {}`", row->name, known));
        }
        context
            .report(Diag::UnknownOption, entry.size() > 1 ? entry[1].span : name.span, "value of option",
                    name.text)
            .with_hint(fmt::format("{}", fmt::join(right, " or ")));
        return;
    }
    row->set(context.policy.options, static_cast<size_t>(value - row->values.begin()));
}

void collect_options(Context& context, const ast::OptionsItem& options) {
    for (const auto& entry : options.entries) {
        if (!entry.empty()) {
            collect_option(context, entry);
        }
    }
}

template<class Node>
void collect_object(Context& context, std::string_view kind, std::map<std::string, ObjectEntry>& entries,
                    std::vector<const Node*>& items, const Node& node) {
    const ObjectEntry entry{node.name.span, static_cast<uint32_t>(items.size())};
    const auto [found, fresh] = entries.try_emplace(node.name.text, entry);
    if (fresh) {
        items.push_back(&node);
    } else {
        duplicate(context, kind, node.name, found->second.span);
    }
}

void collect_items(Context& context, const std::vector<ast::Item>& items, unsigned depth);

struct Collector {
    Context& context;
    Span span;
    unsigned depth;

    void operator()(const ast::Include& include) const {
        if (include.file && depth < max_include_depth) {
            collect_items(context, include.file->items, depth + 1);
        }
    }
    void operator()(const ast::Define& define) const {
        const auto [found, fresh] = context.defines.try_emplace(define.name.text, DefineEntry{&define, span});
        if (!fresh) {
            duplicate(context, "define", define.name, found->second.define->name.span);
        }
    }
    void operator()(const ast::SetItem& set) const {
        SetEntry entry;
        entry.item = &set;
        entry.span = span;
        const auto [found, fresh] = context.sets.try_emplace(set.name.text, std::move(entry));
        if (!fresh) {
            duplicate(context, set.is_map ? "map" : "set", set.name, found->second.item->name.span);
        }
    }
    void operator()(const ast::LimitItem& limit) const {
        collect_object(context, "limit", context.limits, context.limit_items, limit);
    }
    void operator()(const ast::QuotaItem& quota) const {
        collect_object(context, "quota", context.quotas, context.quota_items, quota);
    }
    void operator()(const ast::CounterItem& counter) const {
        collect_object(context, "counter", context.counters, context.counter_items, counter);
    }
    void operator()(const ast::Chain& chain) const { collect_chain(context, chain, span); }
    void operator()(const ast::OptionsItem& options) const { collect_options(context, options); }
    void operator()(const ast::TestItem& test) const {
        context.test_items.push_back(&test);
        context.test_spans.push_back(span);
    }
    void operator()(const ast::Table& table) const {
        context.report(Diag::TableIgnored, join(table.family.span, table.name.span), table.family.text,
                       table.name.text);
        if (depth < max_include_depth) {
            collect_items(context, table.items, depth + 1);
        }
    }
    void operator()(const ast::OtherItem& other) const {
        context.report(Diag::NotYetSupported, other.keyword.span, "`" + other.keyword.text + "`");
        mark_mentions(context, span);
    }
    void operator()(const ast::ErrorItem&) const { mark_mentions(context, span); }
};

void collect_items(Context& context, const std::vector<ast::Item>& items, unsigned depth) {
    for (const ast::Item& item : items) {
        std::visit(Collector{context, item.span, depth}, item.node);
    }
}

/// The defines that a value mentions, in order.
void references(const ast::Value& value, std::vector<const ast::Name*>& out, unsigned depth = 0) {
    if (depth > max_nesting) {
        return;
    }
    auto into = [&](const ast::Value& inner) { references(inner, out, depth + 1); };
    std::visit(Overloaded{
                   [](const ast::Word&) {},
                   [](const ast::Quoted&) {},
                   [&](const ast::DefineRef& reference) { out.push_back(&reference.name); },
                   [](const ast::SetRef&) {},
                   [](const ast::Star&) {},
                   [&](const ast::RangeValue& range) {
                       into(*range.low);
                       into(*range.high);
                   },
                   [&](const ast::SlashValue& slash) {
                       into(*slash.left);
                       into(*slash.right);
                   },
                   [&](const ast::CommaValue& comma) {
                       std::for_each(comma.parts.begin(), comma.parts.end(), into);
                   },
                   [&](const ast::ConcatValue& concat) {
                       std::for_each(concat.parts.begin(), concat.parts.end(), into);
                   },
                   [&](const ast::BinaryValue& binary) {
                       into(*binary.left);
                       into(*binary.right);
                   },
                   [&](const ast::NotValue& negation) { into(*negation.operand); },
                   [&](const ast::ListValue& list) {
                       for (const ast::Element& element : list.elements) {
                           into(element.key);
                       }
                   },
                   [](const ast::ErrorValue&) {},
               },
               value.node);
}

enum class Color : uint8_t { White, Grey, Black };

struct CycleFinder {
    Context& context;
    std::map<std::string, Color> colors;
    std::vector<std::string> path;

    void visit(const std::string& name) {
        auto found = context.defines.find(name);
        if (found == context.defines.end() || colors[name] == Color::Black) {
            return;
        }
        if (colors[name] == Color::Grey) {
            report(name);
            return;
        }
        colors[name] = Color::Grey;
        path.push_back(name);
        std::vector<const ast::Name*> mentioned;
        references(found->second.define->value, mentioned);
        for (const ast::Name* next : mentioned) {
            if (path.size() > max_nesting) {
                found->second.broken = true;
                context.report(Diag::MisplacedValue, next->span, "a define nested more than 64 deep");
                break;
            }
            visit(next->text);
        }
        path.pop_back();
        colors[name] = Color::Black;
    }

    void report(const std::string& name) {
        auto begin = std::find(path.begin(), path.end(), name);
        std::string way;
        for (auto at = begin; at != path.end(); ++at) {
            context.defines.find(*at)->second.broken = true;
            way += "$" + *at + " → ";
        }
        context.report(Diag::DefineCycle, context.defines.find(name)->second.define->name.span, name)
            .with_hint(way + "$" + name);
    }
};

bool is_name_char(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
}

} // namespace

void collect(Context& context, const ast::File& file) {
    collect_items(context, file.items, 0);
    CycleFinder finder{context, {}, {}};
    for (const auto& [name, entry] : context.defines) {
        finder.visit(name);
    }
}

void mark_mentions(Context& context, Span span) {
    const std::string_view text = context.sources.text(span);
    for (size_t at = 0; at < text.size(); ++at) {
        const bool sigil = text[at] == '$' || text[at] == '@';
        if (!sigil && (at != 0 || !is_name_char(text[at])) &&
            (!is_name_char(text[at]) || is_name_char(text[at - 1]))) {
            continue;
        }
        size_t end = at + (sigil ? 1 : 0);
        const size_t begin = end;
        while (end < text.size() && is_name_char(text[end])) {
            ++end;
        }
        const std::string name(text.substr(begin, end - begin));
        if (auto define = context.defines.find(name); text[at] == '$' && define != context.defines.end()) {
            define->second.used = true;
        } else if (auto set = context.sets.find(name); text[at] == '@' && set != context.sets.end()) {
            set->second.used = true;
        } else if (auto chain = context.chains.find(name); !sigil && chain != context.chains.end()) {
            context.mentioned_chains.insert(chain->second);
        }
        for (auto* objects : {&context.limits, &context.quotas, &context.counters}) {
            if (const auto object = objects->find(name); !sigil && object != objects->end()) {
                object->second.used = true;
            }
        }
        at = std::max(at, end - 1);
    }
}

static void report_unused(Context& context, std::string_view kind,
                          const std::map<std::string, ObjectEntry>& objects) {
    for (const auto& [name, entry] : objects) {
        if (!entry.used && !entry.broken && entry.span.file == context.main) {
            context.report(Diag::Unused, entry.span, kind, name);
        }
    }
}

void report_unused(Context& context) {
    report_unused(context, "limit", context.limits);
    report_unused(context, "quota", context.quotas);
    report_unused(context, "counter", context.counters);
    for (const auto& [name, entry] : context.defines) {
        if (!entry.used && !entry.broken && entry.span.file == context.main) {
            context.report(Diag::Unused, entry.define->name.span, "define", name);
        }
    }
    for (const auto& [name, entry] : context.sets) {
        if (!entry.used && !entry.broken && entry.span.file == context.main) {
            context.report(Diag::Unused, entry.item->name.span, entry.item->is_map ? "map" : "set", name);
        }
    }
}

} // namespace xdpc::checking

// A whole file, canonically: 4 blanks a level, one rule a line, long lists wrapped, comments and single empty
// lines where they were.
#include "compiler/ast/layout.h"
#include "compiler/ast/print_text.h"
#include "compiler/base/overloaded.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::ast {
namespace {

constexpr size_t max_line = 100;

/// A line of a block, to be put in the order of the source.
struct Part {
    Span span;
    std::string text;
};

class Printer {
public:
    Printer(const File& file, const Sources& sources)
        : layout_(file, sources), source_(sources.get(file.id)) {}

    std::string file(const File& file) {
        items(file.items);
        layout_.comments_before(static_cast<uint32_t>(source_.text.size()));
        return layout_.take();
    }

private:
    void items(const std::vector<Item>& items) {
        for (const Item& item : items) {
            layout_.comments_before(item.span.begin);
            layout_.empty_line_before(item.span.begin);
            std::visit([&](const auto& node) { print(node, item.span); }, item.node);
            layout_.end_line(item.span.end);
        }
    }

    /// HEAD { body }; comments behind the brace stay there.
    template<class Body> void block(const std::string& head, Span name, Span all, Body body) {
        layout_.write(head + " {");
        layout_.open(name.end);
        body();
        layout_.comments_before(all.end);
        layout_.close();
        layout_.write("}");
    }
    void line(Span span, const std::string& text) {
        layout_.comments_before(span.begin);
        layout_.empty_line_before(span.begin);
        layout_.write(text);
        layout_.end_line(span.end);
    }
    /// As it stands in the source.
    std::string verbatim(Span span) { return source_.text.substr(span.begin, span.end - span.begin); }
    void verbatim_line(Span span) {
        layout_.drop_comments(span);
        layout_.write(verbatim(span));
    }

    // ---- lists

    std::string wrapped(const Value& value, const ListValue& list) {
        const bool map = std::any_of(list.elements.begin(), list.elements.end(), [](const Element& element) {
            return !std::holds_alternative<std::monostate>(element.mapped) || !element.attributes.empty();
        });
        const bool one_a_line = map || layout_.has_comments(value.span);
        const std::string indent(layout_.indent() + 4, ' ');
        std::string out = "{" + layout_.trailing_comment(value.span.begin + 1, "");
        std::string row;
        const auto flush = [&] {
            out += row.empty() ? "" : "\n" + indent + row;
            row.clear();
        };
        for (size_t i = 0; i < list.elements.size(); ++i) {
            const Element& element = list.elements[i];
            const std::string text = text_of(element) + (i + 1 < list.elements.size() ? "," : "");
            if (one_a_line) {
                out += layout_.comment_lines(value.span.begin, element.span.begin, indent);
                out += "\n" + indent + text + layout_.trailing_comment(element.span.end, ",");
                continue;
            }
            if (!row.empty() && indent.size() + row.size() + 1 + text.size() > max_line) {
                flush();
            }
            row += (row.empty() ? "" : " ") + text;
        }
        flush();
        out += layout_.comment_lines(value.span.begin, value.span.end, indent);
        return out + "\n" + std::string(layout_.indent(), ' ') + "}";
    }
    /// On one line if it fits and no comment is inside.
    std::string list_or_value(const Value& value, size_t room_taken) {
        std::string text = ast::print(value);
        const auto* list = std::get_if<ListValue>(&value.node);
        const bool fits = layout_.indent() + room_taken + text.size() <= max_line;
        return list && (!fits || layout_.has_comments(value.span)) ? wrapped(value, *list) : text;
    }

    static void collect_lists(const Statement& statement, std::vector<Span>& out) {
        const auto add = [&out](const Value& value) {
            if (std::holds_alternative<ListValue>(value.node)) {
                out.push_back(value.span);
            }
        };
        if (const auto* match = std::get_if<Match>(&statement.node); match && match->value) {
            add(*match->value);
        } else if (const auto* vmap = std::get_if<Vmap>(&statement.node)) {
            add(vmap->table);
        } else if (const auto* group = std::get_if<Group>(&statement.node)) {
            for (const auto& alternative : group->alternatives) {
                for (const Statement& member : alternative) {
                    collect_lists(member, out);
                }
            }
        }
    }

    static bool has_error(const Rule& rule) {
        return std::any_of(rule.statements.begin(), rule.statements.end(), [](const Statement& statement) {
            return std::holds_alternative<ErrorStatement>(statement.node);
        });
    }

    void print_rule(const Rule& rule) {
        layout_.comments_before(rule.span.begin);
        layout_.empty_line_before(rule.span.begin);
        if (has_error(rule)) {
            verbatim_line(rule.span);
            layout_.end_line(rule.span.end);
            return;
        }
        std::vector<Span> lists;
        for (const Statement& statement : rule.statements) {
            collect_lists(statement, lists);
        }
        layout_.comments_outside(rule.span, lists);
        const std::string label = rule.label.text.empty() ? "" : rule.label.text + ": ";
        std::string text = label + text_of(rule);
        const bool wraps = layout_.indent() + text.size() > max_line;
        text =
            label + text_of(rule, [&](const Value& value, const ListValue& list) {
                return wraps || layout_.has_comments(value.span) ? wrapped(value, list) : ast::print(value);
            });
        layout_.write(text);
        layout_.end_line(rule.span.end);
    }

    // ---- items

    void print(const Include& include, Span) { layout_.write("include \"" + include.path.text + "\""); }
    void print(const Define& define, Span) {
        const std::string head = "define " + define.name.text + " = ";
        layout_.write(head + list_or_value(define.value, head.size()));
    }
    void print(const SetItem& set, Span span) {
        block((set.is_map ? "map " : "set ") + set.name.text, set.name.span, span, [&] {
            for (Part& part : parts_of(set)) {
                layout_.comments_before(part.span.begin);
                layout_.empty_line_before(part.span.begin);
                if (part.text.empty()) {
                    part.text = "elements = " + list_or_value(*set.elements, 11);
                }
                layout_.write(part.text);
                layout_.end_line(part.span.end);
            }
        });
    }
    static std::vector<Part> parts_of(const SetItem& set) {
        std::vector<Part> parts;
        if (!set.key_type.empty()) {
            Part type{{}, set.is_typeof ? "typeof" : "type"};
            for (size_t i = 0; i < set.key_type.size(); ++i) {
                const auto& node = set.key_type[i].node;
                const auto* name = std::get_if<Name>(&node);
                const Span span = name ? name->span : std::get<Selector>(node).span;
                type.text +=
                    (i == 0 ? " " : " . ") + (name ? name->text : ast::print(std::get<Selector>(node)));
                type.span = i == 0 ? span : join(type.span, span);
            }
            if (set.mapped_type) {
                type.text += " : " + set.mapped_type->text;
                type.span = join(type.span, set.mapped_type->span);
            }
            parts.push_back(std::move(type));
        }
        if (!set.flags.empty()) {
            Part flags{join(set.flags.front().span, set.flags.back().span), "flags"};
            for (size_t i = 0; i < set.flags.size(); ++i) {
                flags.text += (i == 0 ? " " : ", ") + set.flags[i].text;
            }
            parts.push_back(std::move(flags));
        }
        for (const ElementAttribute& option : set.options) {
            const Span span = option.value ? join(option.name.span, option.value->span) : option.name.span;
            parts.push_back({span, option.name.text + (option.value ? " " + ast::print(*option.value) : "")});
        }
        if (set.elements) {
            parts.push_back({set.elements->span, ""}); // laid out when its turn comes
        }
        if (set.file) {
            parts.push_back({set.file->span, "file \"" + set.file->text + "\""});
        }
        const auto by_place = [](const Part& a, const Part& b) { return a.span.begin < b.span.begin; };
        std::stable_sort(parts.begin(), parts.end(), by_place);
        return parts;
    }

    /// `limit NAME { … }` and its kin: what it is, and a comment, in the order of the source.
    void object(const std::string& head, Span name, Span span, std::vector<Part> parts,
                const std::optional<Name>& comment) {
        if (comment) {
            parts.push_back({comment->span, "comment \"" + comment->text + "\""});
        }
        if (parts.empty() && !layout_.has_comments(span)) {
            layout_.write(head + " { }");
            return;
        }
        std::stable_sort(parts.begin(), parts.end(),
                         [](const Part& a, const Part& b) { return a.span.begin < b.span.begin; });
        block(head, name, span, [&] {
            for (const Part& part : parts) {
                line(part.span, part.text);
            }
        });
    }
    void print(const LimitItem& limit, Span span) {
        std::vector<Part> parts;
        if (limit.rate) {
            parts.push_back({limit.rate->span, text_of(*limit.rate)});
        }
        object("limit " + limit.name.text, limit.name.span, span, std::move(parts), limit.comment);
    }
    void print(const QuotaItem& quota, Span span) {
        std::vector<Part> parts;
        if (quota.bytes) {
            parts.push_back({quota.bytes->span, text_of(*quota.bytes)});
        }
        object("quota " + quota.name.text, quota.name.span, span, std::move(parts), quota.comment);
    }
    void print(const CounterItem& counter, Span span) {
        object("counter " + counter.name.text, counter.name.span, span, {}, counter.comment);
    }

    void print(const Chain& chain, Span span) {
        std::vector<Part> heads;
        for (const Name& hook : chain.hook) {
            heads.push_back({hook.span, hook.text});
        }
        if (chain.policy) {
            heads.push_back({chain.policy->span, "policy " + text_of(chain.policy->verdict)});
        }
        const auto by_place = [](const Part& a, const Part& b) { return a.span.begin < b.span.begin; };
        std::stable_sort(heads.begin(), heads.end(), by_place);
        block("chain " + chain.name.text, chain.name.span, span, [&] {
            size_t next = 0;
            for (const Rule& rule : chain.rules) {
                for (; next < heads.size() && heads[next].span.begin <= rule.span.begin; ++next) {
                    line(heads[next].span, heads[next].text);
                }
                print_rule(rule);
            }
            for (; next < heads.size(); ++next) {
                line(heads[next].span, heads[next].text);
            }
        });
    }

    static std::string entry_text(const std::vector<Name>& entry) {
        std::string out;
        for (const Name& word : entry) {
            out += (out.empty() ? "" : " ") + word.text;
        }
        return out;
    }
    void print(const OptionsItem& options, Span span) {
        if (options.entries.size() == 1 && !layout_.has_comments(span)) {
            layout_.write("options " + entry_text(options.entries.front()));
            return;
        }
        const Span keyword{span.file, span.begin, span.begin + 7};
        block("options", keyword, span, [&] {
            for (const auto& entry : options.entries) {
                line(join(entry.front().span, entry.back().span), entry_text(entry));
            }
        });
    }

    void print(const TestItem& test, Span span) {
        block("test \"" + test.title.text + "\"", test.title.span, span, [&] {
            for (const TestStep& step : test.steps) {
                layout_.comments_before(step.span.begin);
                layout_.empty_line_before(step.span.begin);
                std::visit([&](const auto& node) { print(node, step.span); }, step.node);
                layout_.end_line(step.span.end);
            }
        });
    }
    void print(const Table& table, Span span) {
        const std::string family = table.family.text.empty() ? "" : table.family.text + " ";
        block("table " + family + table.name.text, table.name.span, span, [&] { items(table.items); });
    }
    void print(const OtherItem&, Span span) { verbatim_line(span); }
    void print(const ErrorItem&, Span span) { verbatim_line(span); }

    // ---- steps

    void print(const SendStep& step, Span) { layout_.write(text_of(step)); }
    void print(const ExpectStep& step, Span) { layout_.write(text_of(step)); }
    void print(const ExpectCounterStep& step, Span) { layout_.write(text_of(step)); }
    void print(const ExpectElementStep& step, Span) { layout_.write(text_of(step)); }
    void print(const ExpectBytesStep& step, Span) { layout_.write("expect bytes " + ast::print(step.bytes)); }
    void print(const GivenIfaceStep& step, Span) { layout_.write(text_of(step)); }
    void print(const GivenRouteStep& step, Span) { layout_.write(text_of(step)); }
    void print(const AdvanceStep& step, Span) { layout_.write("advance " + ast::print(step.time)); }
    void print(const OtherStep&, Span span) { verbatim_line(span); }
    void print(const ErrorStep&, Span span) { verbatim_line(span); }

    Layout layout_;
    const Source& source_;
};

} // namespace

std::string print(const File& file, const Sources& sources) {
    return Printer(file, sources).file(file);
}

} // namespace xdpc::ast

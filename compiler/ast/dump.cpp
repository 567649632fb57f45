// The tree of a file, one node a line. Everything but places and comments shows, so equal trees are equal
// files.
#include "compiler/ast/print_text.h"
#include "compiler/base/overloaded.h"

#include <fmt/format.h>

namespace xdpc::ast {
namespace {

std::string quote(const std::string& text) {
    return "\"" + text + "\"";
}

std::string tree(const Value& value);
std::string tree(const VerdictNode& verdict) {
    return "(verdict " + text_of(verdict) + ")";
}
std::string tree(const std::vector<Value>& parts) {
    std::string out;
    for (const Value& part : parts) {
        out += " " + tree(part);
    }
    return out;
}
std::string tree(const std::vector<Name>& names) {
    std::string out;
    for (const Name& name : names) {
        out += " " + quote(name.text);
    }
    return out;
}

std::string tree(const ElementAttribute& attribute) {
    return "(" + attribute.name.text + (attribute.value ? " " + tree(*attribute.value) : "") + ")";
}

std::string tree(const Element& element) {
    std::string out = "(element " + tree(element.key);
    for (const ElementAttribute& attribute : element.attributes) {
        out += " " + tree(attribute);
    }
    if (const auto* verdict = std::get_if<VerdictNode>(&element.mapped)) {
        out += " -> " + tree(*verdict);
    } else if (const auto* value = std::get_if<Value>(&element.mapped)) {
        out += " -> " + tree(*value);
    }
    return out + ")";
}

std::string tree(const Value& value) {
    return std::visit(
        Overloaded{
            [](const Word& word) { return word.text; },
            [](const Quoted& quoted) { return quote(quoted.text); },
            [](const DefineRef& define) { return "$" + define.name.text; },
            [](const SetRef& set) { return "@" + set.name.text; },
            [](const Star&) { return std::string("*"); },
            [](const RangeValue& r) { return fmt::format("(range {} {})", tree(*r.low), tree(*r.high)); },
            [](const SlashValue& s) { return fmt::format("(slash {} {})", tree(*s.left), tree(*s.right)); },
            [](const CommaValue& comma) { return "(comma" + tree(comma.parts) + ")"; },
            [](const ConcatValue& concat) { return "(concat" + tree(concat.parts) + ")"; },
            [](const BinaryValue& b) {
                return fmt::format("({} {} {})", name_of(b.op), tree(*b.left), tree(*b.right));
            },
            [](const NotValue& negated) { return "(not " + tree(*negated.operand) + ")"; },
            [](const ListValue& list) {
                std::string out = "(list";
                for (const Element& element : list.elements) {
                    out += " " + tree(element);
                }
                return out + ")";
            },
            [](const ErrorValue&) { return std::string("(error)"); }},
        value.node);
}

std::string tree(const Selector& selector) {
    std::string out = std::visit(
        Overloaded{
            [](const FieldSelector& field) {
                return fmt::format("(field {} {})", quote(field.header.text), quote(field.field.text));
            },
            [](const MetaSelector& meta) { return fmt::format("(meta {})", meta.name.text); },
            [](const RawSelector& raw) {
                return fmt::format("(raw {} {} {})", raw.base.text, raw.offset, raw.length);
            },
            [](const AddressSelector& address) { return fmt::format("(address {})", address.name.text); }},
        selector.node);
    if (selector.op && selector.operand) {
        out = fmt::format("({} {} {})", name_of(*selector.op), out, tree(*selector.operand));
    }
    return out;
}
std::string tree(const std::vector<Selector>& keys) {
    std::string out;
    for (const Selector& key : keys) {
        out += " " + tree(key);
    }
    return out;
}

const char* relation_tree(Relation relation) {
    switch (relation) {
    case Relation::Implied:
        return "implied";
    case Relation::True:
        return "true";
    default:
        return name_of(relation);
    }
}

class Dumper {
public:
    std::string take() { return std::move(out_); }

    void file(const File& file) { items(file.items); }

private:
    void line(const std::string& text) { out_ += std::string(indent_ * 2, ' ') + text + "\n"; }
    template<class Body> void nested(const std::string& head, Body body) {
        line(head);
        ++indent_;
        body();
        --indent_;
    }

    void items(const std::vector<Item>& items) {
        for (const Item& item : items) {
            std::visit([this](const auto& node) { dump(node); }, item.node);
        }
    }

    void dump(const Include& include) {
        nested("include " + quote(include.path.text), [&] {
            if (include.file) {
                file(*include.file);
            }
        });
    }
    void dump(const Define& define) { line("define " + define.name.text + " " + tree(define.value)); }
    void dump(const SetItem& set) {
        nested((set.is_map ? "map " : "set ") + set.name.text, [&] {
            std::string type = set.is_typeof ? "typeof" : "type";
            for (const TypePart& part : set.key_type) {
                type += std::visit(Overloaded{[](const Name& name) { return " " + name.text; },
                                              [](const Selector& selector) { return " " + tree(selector); }},
                                   part.node);
            }
            line(set.mapped_type ? type + " -> " + set.mapped_type->text : type);
            line("flags" + tree(set.flags));
            for (const ElementAttribute& option : set.options) {
                line("option " + tree(option));
            }
            if (set.elements) {
                line("elements " + tree(*set.elements));
            }
            if (set.file) {
                line("file " + quote(set.file->text));
            }
        });
    }
    void object(const std::string& head, const std::string& body, const std::optional<Name>& comment) {
        line(head + (body.empty() ? "" : " " + quote(body)) +
             (comment ? " comment " + quote(comment->text) : ""));
    }
    void dump(const LimitItem& limit) {
        object("limit " + limit.name.text, limit.rate ? text_of(*limit.rate) : "", limit.comment);
    }
    void dump(const QuotaItem& quota) {
        object("quota " + quota.name.text, quota.bytes ? text_of(*quota.bytes) : "", quota.comment);
    }
    void dump(const CounterItem& counter) { object("counter " + counter.name.text, "", counter.comment); }
    void dump(const Chain& chain) {
        nested("chain " + chain.name.text, [&] {
            for (const Name& hook : chain.hook) {
                line("hook " + quote(hook.text));
            }
            if (chain.policy) {
                line("policy " + tree(chain.policy->verdict));
            }
            for (const Rule& rule : chain.rules) {
                nested(rule.label.text.empty() ? "rule" : "rule " + rule.label.text,
                       [&] { statements(rule.statements); });
            }
        });
    }
    void dump(const OptionsItem& options) {
        nested("options", [&] {
            for (const auto& entry : options.entries) {
                line("entry" + tree(entry));
            }
        });
    }
    void dump(const TestItem& test) {
        nested("test " + quote(test.title.text), [&] {
            for (const TestStep& step : test.steps) {
                std::visit([this](const auto& node) { dump(node); }, step.node);
            }
        });
    }
    void dump(const Table& table) {
        nested("table " + quote(table.family.text) + " " + table.name.text, [&] { items(table.items); });
    }
    void dump(const OtherItem& other) {
        line("other " + quote(other.keyword.text) + " " + quote(other.text));
    }
    void dump(const ErrorItem&) { line("error"); }

    // ---- statements

    void statements(const std::vector<Statement>& statements) {
        for (const Statement& statement : statements) {
            std::visit([this](const auto& node) { dump(node); }, statement.node);
        }
    }
    void dump(const Match& match) {
        line(fmt::format("match {}{}{}", relation_tree(match.relation), tree(match.keys),
                         match.value ? " " + tree(*match.value) : ""));
    }
    void dump(const Group& group) {
        nested(group.negated ? "not" : "group", [&] {
            for (const auto& alternative : group.alternatives) {
                nested("alternative", [&] { statements(alternative); });
            }
        });
    }
    void dump(const Vmap& vmap) { line("vmap" + tree(vmap.keys) + " " + tree(vmap.table)); }
    void dump(const VerdictNode& verdict) { line(tree(verdict)); }
    void dump(const UpdateStatement& update) { line(text_of(update)); }
    void dump(const LimitStatement& limit) { line(text_of(limit)); }
    void dump(const QuotaStatement& quota) { line(text_of(quota)); }
    void dump(const NamedCounterStatement& counter) { line(text_of(counter)); }
    void dump(const LogStatement& log) { line(text_of(log)); }
    void dump(const SampleStatement& sample) { line(text_of(sample)); }
    void dump(const SetStatement& set) { line(text_of(set)); }
    void dump(const NatStatement& nat) { line(text_of(nat)); }
    void dump(const ReflectStatement&) { line("reflect"); }
    void dump(const ReplyStatement&) { line("reply echo"); }
    void dump(const RejectStatement& reject) { line(text_of(reject)); }
    void dump(const VlanPushStatement& push) { line(text_of(push)); }
    void dump(const VlanPopStatement&) { line("vlan pop"); }
    void dump(const EncapStatement& encap) { line(text_of(encap)); }
    void dump(const RouteStatement& route) { line(text_of(route)); }
    void dump(const DecapStatement& decap) { line(text_of(decap)); }
    void dump(const CounterStatement&) { line("counter"); }
    void dump(const NocountStatement&) { line("nocount"); }
    void dump(const CommentStatement& comment) { line("comment " + quote(comment.text)); }
    void dump(const OtherStatement& other) {
        line("other " + quote(other.keyword.text) + " " + quote(other.text));
    }
    void dump(const ErrorStatement&) { line("error"); }

    // ---- tests

    void dump(const SendStep& send) {
        std::string head = fmt::format("send x{}", send.count);
        head += send.pcap ? " pcap " + quote(send.pcap->text) : "";
        head += send.iface ? " on " + quote(send.iface->text) : "";
        head += send.at ? " at " + tree(*send.at) : "";
        nested(head, [&] {
            for (const SendLayer& layer : send.layers) {
                std::string text = "layer " + layer.keyword.text;
                for (const LayerField& field : layer.fields) {
                    text +=
                        " (" + quote(field.name.text) + (field.value ? " " + tree(*field.value) : "") + ")";
                }
                text += layer.value ? " " + tree(*layer.value) : "";
                line(layer.bytes_suffix ? text + " bytes" : text);
            }
        });
    }
    void dump(const ExpectStep& step) {
        nested("expect", [&] {
            for (const ExpectVerdict& expected : step.verdicts) {
                std::string text = tree(expected.verdict);
                text += expected.count ? fmt::format(" {}", *expected.count) : "";
                text += expected.by ? " by " + quote(expected.by->text) : "";
                line(expected.iface ? text + " to " + quote(expected.iface->text) : text);
                if (!expected.with.empty()) {
                    nested("with", [&] { statements(expected.with); });
                }
            }
        });
    }
    void dump(const ExpectCounterStep& step) {
        line(fmt::format("expect counter {} {}", quote(step.rule.text), step.packets) +
             (step.bytes ? fmt::format(" bytes {}", *step.bytes) : ""));
    }
    void dump(const ExpectElementStep& step) { line(text_of(step)); }
    void dump(const ExpectBytesStep& step) { line("expect bytes " + tree(step.bytes)); }
    void dump(const GivenIfaceStep& step) { line(text_of(step)); }
    void dump(const GivenRouteStep& step) { line(text_of(step)); }
    void dump(const AdvanceStep& step) { line("advance " + tree(step.time)); }
    void dump(const OtherStep& step) { line("other " + quote(step.keyword.text) + " " + quote(step.text)); }
    void dump(const ErrorStep&) { line("error"); }

    std::string out_;
    size_t indent_ = 0;
};

} // namespace

std::string dump(const File& file) {
    Dumper dumper;
    dumper.file(file);
    return dumper.take();
}

bool equal(const File& a, const File& b) {
    return dump(a) == dump(b);
}

} // namespace xdpc::ast

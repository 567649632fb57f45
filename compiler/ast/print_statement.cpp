#include "compiler/ast/print_text.h"
#include "compiler/base/overloaded.h"

#include <algorithm>

#include <fmt/format.h>

namespace xdpc::ast {
namespace {

constexpr int single = 8;

std::string text_of(const FieldSelector& field) {
    const auto header = find_header(field.header.text);
    const bool extension = header && info(*header).layer == Layer::Extension;
    const bool option = field.header.text.find(' ') != std::string::npos;
    if (field.field.text.empty()) {
        return (extension || (!header && !option) ? "exthdr " : "") + field.header.text;
    }
    return (!header && !option ? "exthdr " : "") + field.header.text + " " + field.field.text;
}

std::string text_of(const MetaSelector& meta) {
    const bool short_form = meta.name.text == "iif" || meta.name.text == "iifname"; // as nft prints them
    return (short_form ? "" : "meta ") + meta.name.text;
}

std::string text_of(const Match& match) {
    std::string out = text_of(match.keys);
    const char* relation = name_of(match.relation);
    if (*relation) {
        out += std::string(" ") + relation;
    }
    return out;
}

std::string text_of_value(const Value& value, const ListPrinter& print_list) {
    if (const auto* list = std::get_if<ListValue>(&value.node); list && print_list) {
        return print_list(value, *list);
    }
    return text_of(value, 0);
}

std::string text_of(const Group& group, const ListPrinter& print_list) {
    std::string out = group.negated ? "not (" : "(";
    bool first = true;
    for (const auto& alternative : group.alternatives) {
        out += first ? "" : " or";
        first = false;
        for (const Statement& statement : alternative) {
            out += " " + text_of(statement, print_list);
        }
    }
    return out + " )";
}

} // namespace

std::string name_text(const std::string& name, const char* also) {
    const auto plain = [also](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               std::string_view(also).find(c) != std::string_view::npos;
    };
    const bool word = !name.empty() && std::all_of(name.begin(), name.end(), plain);
    return word ? name : "\"" + name + "\"";
}

const char* name_of(VerdictKind kind) {
    switch (kind) {
    case VerdictKind::Pass:
        return "pass";
    case VerdictKind::Drop:
        return "drop";
    case VerdictKind::Abort:
        return "abort";
    case VerdictKind::Tx:
        return "tx";
    case VerdictKind::Redirect:
        return "redirect to";
    case VerdictKind::Jump:
        return "jump";
    case VerdictKind::Goto:
        return "goto";
    case VerdictKind::Return:
        return "return";
    case VerdictKind::Continue:
        return "continue";
    }
    return "";
}

const char* name_of(Relation relation) {
    switch (relation) {
    case Relation::Eq:
        return "==";
    case Relation::Ne:
        return "!=";
    case Relation::Lt:
        return "<";
    case Relation::Le:
        return "<=";
    case Relation::Gt:
        return ">";
    case Relation::Ge:
        return ">=";
    case Relation::Exists:
        return "exists";
    case Relation::Missing:
        return "missing";
    case Relation::Implied:
    case Relation::True:
        return "";
    }
    return "";
}

std::string text_of(const VerdictNode& verdict) {
    std::string out = name_of(verdict.kind);
    if (verdict.kind == VerdictKind::Redirect) {
        const std::string& name = verdict.target.text;
        const bool keyword = name == "cpu" || name == "xsk";
        return name.empty() ? "redirect" : out + " " + (keyword ? "\"" + name + "\"" : name_text(name, ""));
    }
    return verdict.target.text.empty() ? out : out + " " + verdict.target.text;
}

std::string text_of(const Selector& selector) {
    std::string out =
        std::visit(Overloaded{[](const FieldSelector& field) { return text_of(field); },
                              [](const MetaSelector& meta) { return text_of(meta); },
                              [](const RawSelector& raw) {
                                  return fmt::format("@{},{},{}", raw.base.text, raw.offset, raw.length);
                              },
                              [](const AddressSelector& address) { return address.name.text; }},
                   selector.node);
    if (selector.op && selector.operand) {
        out += fmt::format(" {} {}", name_of(*selector.op), text_of(*selector.operand, single));
    }
    return out;
}

std::string text_of(const std::vector<Selector>& keys) {
    std::string out;
    for (const Selector& key : keys) {
        out += (out.empty() ? "" : " . ") + text_of(key);
    }
    return out;
}

std::string text_of(const UpdateStatement& update) {
    const char* word = update.op == UpdateStatement::Op::Add      ? "add"
                       : update.op == UpdateStatement::Op::Update ? "update"
                                                                  : "delete";
    return fmt::format("{} @{} {{ {}{} }}", word, update.set.text, text_of(update.keys),
                       update.timeout ? " timeout " + text_of(*update.timeout, single) : "");
}

std::string text_of(const SetStatement& set) {
    std::string out = text_of(set.field) + " set ";
    out += set.keys.empty() ? "" : text_of(set.keys) + " map ";
    out += set.from ? text_of(*set.from) : set.value ? text_of(*set.value, 0) : "";
    for (const SetOperation& operation : set.operations) {
        out += fmt::format(" {} {}", operation.op.text, text_of(operation.number, single));
    }
    return out;
}

std::string text_of(const NatStatement& nat) {
    std::string address;
    const auto* prefix = nat.address ? std::get_if<SlashValue>(&nat.address->node) : nullptr;
    if (prefix != nullptr) { // as it was written, whatever that is
        address = text_of(*prefix->left, single) + "/" + text_of(*prefix->right, single);
    } else if (nat.address) {
        address = text_of(*nat.address, single);
    }
    const bool brackets = nat.port ? address.find(':') != std::string::npos : address.empty();
    std::string out = nat.source ? "snat to " : "dnat to ";
    out += brackets ? "[" + address + "]" : address;
    return nat.port ? out + ":" + text_of(*nat.port, single) : out;
}

std::string text_of(const RejectStatement& reject) {
    std::string out = reject.with.text.empty() ? "reject" : "reject with " + reject.with.text;
    return reject.code.text.empty() ? out : out + " " + reject.code.text;
}

std::string text_of(const VlanPushStatement& push) {
    std::string out = "vlan push id " + text_of(push.id, single);
    out += push.pcp ? " pcp " + text_of(*push.pcp, single) : "";
    return push.type.text.empty() ? out : out + " type " + push.type.text;
}

namespace {

std::string text_of(const std::vector<TunnelOption>& options) {
    std::string out;
    for (const TunnelOption& option : options) {
        out += " " + option.name.text + " " + text_of(option.value, single);
        out += option.too_large.text.empty() ? "" : " " + option.too_large.text;
    }
    return out;
}

} // namespace

std::string text_of(const EncapStatement& encap) {
    return "encap " + encap.kind.text + text_of(encap.options);
}

std::string text_of(const DecapStatement& decap) {
    return (decap.kind.text.empty() ? "decap" : "decap " + decap.kind.text) + text_of(decap.options);
}

std::string text_of(const RouteStatement& route) {
    return route.table ? "route table " + text_of(*route.table, single) : "route";
}

std::string text_of(const Statement& statement, const ListPrinter& print_list) {
    return std::visit(
        Overloaded{[&](const Match& match) {
                       std::string out = text_of(match);
                       return match.value ? out + " " + text_of_value(*match.value, print_list) : out;
                   },
                   [&](const Group& group) { return text_of(group, print_list); },
                   [&](const Vmap& vmap) {
                       return text_of(vmap.keys) + " vmap " + text_of_value(vmap.table, print_list);
                   },
                   [](const VerdictNode& verdict) { return text_of(verdict); },
                   [](const UpdateStatement& update) { return text_of(update); },
                   [](const CounterStatement&) { return std::string("counter"); },
                   [](const NocountStatement&) { return std::string("nocount"); },
                   [](const CommentStatement& comment) { return "comment \"" + comment.text + "\""; },
                   [](const LimitStatement& limit) { return text_of(limit); },
                   [](const QuotaStatement& quota) { return text_of(quota); },
                   [](const NamedCounterStatement& counter) { return text_of(counter); },
                   [](const LogStatement& log) { return text_of(log); },
                   [](const SampleStatement& sample) { return text_of(sample); },
                   [](const SetStatement& set) { return text_of(set); },
                   [](const NatStatement& nat) { return text_of(nat); },
                   [](const ReflectStatement&) { return std::string("reflect"); },
                   [](const ReplyStatement&) { return std::string("reply echo"); },
                   [](const RejectStatement& reject) { return text_of(reject); },
                   [](const VlanPushStatement& push) { return text_of(push); },
                   [](const VlanPopStatement&) { return std::string("vlan pop"); },
                   [](const EncapStatement& encap) { return text_of(encap); },
                   [](const DecapStatement& decap) { return text_of(decap); },
                   [](const RouteStatement& route) { return text_of(route); },
                   [](const OtherStatement& other) { return other.text; },
                   [](const ErrorStatement&) { return std::string("<error>"); }},
        statement.node);
}

std::string text_of(const Rule& rule, const ListPrinter& print_list) {
    std::string out;
    for (const Statement& statement : rule.statements) {
        out += (out.empty() ? "" : " ") + text_of(statement, print_list);
    }
    return out;
}

std::string print(const Rule& rule) {
    return text_of(rule);
}
std::string print(const Statement& statement) {
    return text_of(statement);
}
std::string print(const Selector& selector) {
    return text_of(selector);
}

} // namespace xdpc::ast

#include "compiler/policy/live_file.h"

#include "compiler/policy/check_live_sets.h"

#include <algorithm>
#include <numeric>

namespace xdpc {

namespace {

using checking::Context;

/// What a verdict's name stands for; chains of that name are made as they come up. A verdict that this
/// version does not know keeps its place: it is one that no line can name.
Verdict verdict_of(Context& context, const std::string& name) {
    for (const Verdict& plain : {Verdict(Pass{}), Verdict(Drop{}), Verdict(Abort{}), Verdict(Tx{}),
                                 Verdict(Return{}), Verdict(Continue{})}) {
        if (name == name_of(plain, context.policy)) {
            return plain;
        }
    }
    constexpr std::string_view redirects = "redirect to ";
    if (name.starts_with(redirects)) {
        const ast::Name iface{name.substr(redirects.size()), {}};
        if (auto to = checking::resolve_verdict(context, {{}, ast::VerdictKind::Redirect, false, iface})) {
            return *to;
        }
    }
    const bool jumps = name.starts_with("jump ");
    const std::string chain = jumps || name.starts_with("goto ") ? name.substr(5) : "a verdict: " + name;
    const ChainId next{static_cast<uint32_t>(context.policy.chains.size())};
    const auto [found, is_new] = context.chains.emplace(chain, next);
    if (is_new) {
        Chain& made = context.policy.chains.emplace_back();
        made.id = next;
        made.name = chain;
    }
    return jumps ? Verdict(Jump{found->second}) : Verdict(Goto{found->second});
}

checking::SetEntry entry_of(Context& context, std::vector<LiveSet>& sets, const ast::SetItem& item) {
    checking::SetEntry entry;
    entry.item = &item;
    entry.objects = sets[0].objects;
    if (sets[0].mapped) {
        entry.mapped = checking::Slot{sets[0].mapped->type, sets[0].mapped->width, "@" + sets[0].name, false};
    }
    for (size_t part = 0; part < sets[0].parts.size(); ++part) {
        const SetPart& each = sets[0].parts[part];
        if (sets.size() > 1 && each.type != sets[1].parts[part].type) {
            entry.inet_parts.insert(part);
        }
        entry.slots.push_back({each.type, each.width, "@" + sets[0].name, false});
    }
    for (size_t family = 0; family < sets.size(); ++family) {
        sets[family].id = {static_cast<uint32_t>(family)};
        entry.live[family] = sets[family].id;
        context.policy.sets.push_back(std::move(sets[family]));
    }
    return entry;
}

} // namespace

std::optional<std::vector<LiveFile>> read_live_file(FileId file, std::vector<LiveSet> sets,
                                                    const std::vector<std::string>& names, Sources& sources,
                                                    Diagnostics& diagnostics) {
    Context context(sources, diagnostics, file);
    std::vector<Verdict> known;
    const bool to_verdicts = sets[0].is_map && !sets[0].mapped && sets[0].objects.empty();
    for (const std::string& name : to_verdicts ? names : std::vector<std::string>()) {
        known.push_back(verdict_of(context, name));
    }
    for (uint32_t i = 0; i < names.size() && !sets[0].objects.empty(); ++i) {
        objects_of(context, sets[0].objects)[names[i]].id = i;
    }
    for (LiveSet& set : sets) {
        set.verdicts = known;
        set.object_ids.resize(set.objects.empty() ? 0 : names.size());
        std::iota(set.object_ids.begin(), set.object_ids.end(), 0U);
    }
    ast::SetItem item;
    item.is_map = sets[0].is_map;
    item.name.text = sets[0].name;
    checking::SetEntry entry = entry_of(context, sets, item);
    checking::LiveElements elements(context, entry);
    checking::SetFileTaker taker = file_taker(context, entry, elements);
    taker.element = [&, take = taker.element](checking::FileElement& element) {
        const auto* verdict = element.mapped ? std::get_if<Verdict>(&*element.mapped) : nullptr;
        if (verdict != nullptr) {
            const std::string name = name_of(*verdict, context.policy);
            if (std::find(names.begin(), names.end(), name) == names.end()) {
                context.report(Diag::MisplacedValue, element.span, "`" + name + "`")
                    .with_hint("a verdict that the policy gives an element of the map");
                return false;
            }
        }
        return take(element);
    };
    if (!read_set_lines(context, entry, sources.get(file), taker) || !elements.finish({})) {
        return {};
    }
    std::vector<LiveFile> read;
    for (size_t family = 0; family < entry.families(); ++family) {
        read.push_back({std::move(elements.live(family).elements), std::move(elements.spans(family))});
    }
    return read;
}

} // namespace xdpc

#include "compiler/base/overloaded.h"
#include "compiler/plan/strategy.h"

namespace xdpc::plan {

namespace {

void need_network(ParseNeeds& needs) {
    needs.tags = needs.network = true;
}
void need_transport(ParseNeeds& needs) {
    need_network(needs);
    needs.transport = needs.extensions = needs.l4proto = needs.fragment = true;
}

void need_header(ParseNeeds& needs, HeaderId id) {
    const HeaderInfo& header = info(id);
    switch (header.layer) {
    case Layer::Link:
        return;
    case Layer::Tag:
        needs.tags = true;
        return;
    case Layer::Arp:
    case Layer::Ip:
    case Layer::Ip6:
        need_network(needs);
        return;
    case Layer::Extension:
        need_network(needs);
        needs.extensions = true;
        return;
    case Layer::Transport4:
    case Layer::Transport6:
    case Layer::Transport:
    case Layer::AnyTransport:
        need_transport(needs);
        return;
    case Layer::Option:
        need_header(needs, header.parent);
        (info(header.parent).layer == Layer::Ip ? needs.ip_options : needs.tcp_options) = true;
        return;
    }
}

void need_raw(ParseNeeds& needs, RawBase base) {
    switch (base) {
    case RawBase::Ll:
        return;
    case RawBase::Nh:
        need_network(needs);
        return;
    case RawBase::Ih:
        needs.inner = true;
        need_transport(needs);
        return;
    case RawBase::Th:
        need_transport(needs);
        return;
    }
}

void need_meta(ParseNeeds& needs, MetaId meta) {
    switch (meta) {
    case MetaId::Protocol:
        needs.tags = true;
        return;
    case MetaId::L4proto:
        need_network(needs);
        needs.extensions = needs.l4proto = true;
        return;
    case MetaId::Fragment:
        need_network(needs);
        needs.extensions = needs.fragment = true;
        return;
    case MetaId::VlanTagged:
        needs.tags = true;
        return;
    case MetaId::Malformed:
        need_transport(needs);
        needs.malformed = true;
        return;
    case MetaId::Length:
    case MetaId::Iif:
    case MetaId::Iifname:
    case MetaId::Rxqueue:
    case MetaId::Cpu:
    case MetaId::Random:
    case MetaId::Time:
    case MetaId::Day:
    case MetaId::Hour:
        return;
    }
}

} // namespace

ParseNeeds needs_of(const ir::Program& program) {
    ParseNeeds needs;
    for (const KeySource& key : program.keys) {
        std::visit(Overloaded{
                       [&](const FieldKey& k) { need_header(needs, info(k.field).header); },
                       [&](const RawKey& k) { need_raw(needs, k.base); },
                       [&](const ExistsKey& k) { need_header(needs, k.header); },
                       [&](const MetaKey& k) { need_meta(needs, k.meta); },
                   },
                   key);
    }
    return needs;
}

std::set<HeaderId> headers_of(const ir::Program& program) {
    std::set<HeaderId> headers;
    const auto add = [&](HeaderId id) {
        headers.insert(id);
        headers.insert(info(id).parent); // itself, but for options
    };
    for (const KeySource& key : program.keys) {
        std::visit(Overloaded{
                       [&](const FieldKey& k) { add(info(k.field).header); },
                       [&](const RawKey&) {},
                       [&](const ExistsKey& k) { add(k.header); },
                       [&](const MetaKey&) {},
                   },
                   key);
    }
    return headers;
}

} // namespace xdpc::plan

#include "compiler/parse/parse.h"

#include "compiler/parse/build.h"
#include "compiler/parse/reader.h"

namespace xdpc {
namespace {

/// The whole tree as one node, so that builders see the top level like any other.
void for_each_top(const Source& source, const std::vector<parsing::Node>& nodes, auto&& visit) {
    for (uint32_t i = 0; i < nodes.size(); i = nodes[i].next) {
        visit(parsing::NodeRef(source, nodes, i));
    }
}

} // namespace

ast::File parse(const Source& source, Diagnostics& diagnostics) {
    ast::File file;
    file.id = source.id;
    parsing::Scan scan = parsing::scan(source, diagnostics);
    parsing::Reader reader(source, scan, diagnostics);
    parsing::read_policy(source, reader);
    for_each_top(source, reader.nodes(), [&](parsing::NodeRef node) {
        file.items.push_back(parsing::build_item(node, diagnostics));
    });
    file.comments = std::move(scan.comments);
    return file;
}

ast::SendStep parse_layers(const Source& source, Diagnostics& diagnostics) {
    ast::SendStep step;
    const parsing::Scan scan = parsing::scan(source, diagnostics);
    parsing::Reader reader(source, scan, diagnostics);
    parsing::read_layers(source, reader);
    for_each_top(source, reader.nodes(), [&](parsing::NodeRef node) {
        if (node.kind() == NodeKind::send_tail) {
            step = parsing::build_send(node, diagnostics);
        }
    });
    return step;
}

} // namespace xdpc

// SPDX-License-Identifier: Apache-2.0

/// The fields of a setup that a token pins, as the service resolves them (live-api.md A.3, A.6).
///
/// Paths are resolved against the schema of setup, in camelCase and snake_case; what the service
/// refuses (an unknown name, a path through a list) is refused here.
public struct SetupFieldMask: Sendable, Hashable {
  /// Resolved paths in camelCase, in the order of the mask.
  public let paths: [[String]]

  /// Reads a mask of names joined by commas; nil if the service would call it invalid.
  public init?(_ mask: String) {
    var paths: [[String]] = []
    for path in mask.split(separator: ",", omittingEmptySubsequences: true) {
      let names = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
      guard let resolved = Self.resolve(names[...], in: Setup.self) else { return nil }
      paths.append(resolved)
    }
    self.paths = paths
  }

  private static func resolve(
    _ names: ArraySlice<String>, in type: any WireMessage.Type
  ) -> [String]? {
    guard let first = names.first else { return [] }
    let lister = lister(of: type, wanted: first)
    guard let name = lister.canonicalName(of: first), let found = lister.foundType else {
      return nil
    }
    let rest = names.dropFirst()
    if rest.isEmpty { return [name] }
    if let message = found as? any WireMessage.Type {
      return resolve(rest, in: message).map { [name] + $0 }
    }
    // Only labels are a map; its keys are anybody's.
    return found == JSONObject.self && rest.count == 1 ? [name] + rest : nil
  }

  private static func lister<M: WireMessage>(of type: M.Type, wanted: String) -> FieldLister {
    FieldLister(M.blank, wanted: wanted)
  }

  /// The setup that takes effect on a connection by the service's documented rule: without a mask
  /// the token's setup alone, with one the token's value for each field of the mask and the
  /// connection's for all others. A masked field that the token leaves out falls to its default.
  public func effectiveSetup(
    token: Setup?, connection: Setup
  ) throws(WireError) -> Setup {
    guard !paths.isEmpty else { return token ?? connection }
    let pinned = try token?.wireJSON() ?? .object(JSONObject())
    var result = try connection.wireJSON()
    for path in paths { Self.copy(path[...], from: pinned, to: &result) }
    return try Setup.readWire(result)
  }

  private static func copy(
    _ path: ArraySlice<String>, from source: JSONValue?, to target: inout JSONValue
  ) {
    guard let name = path.first else { return }
    var object = target.objectValue ?? JSONObject()
    let rest = path.dropFirst()
    if rest.isEmpty {
      object[name] = source?[name]
    } else {
      var inner = object[name] ?? .object(JSONObject())
      copy(rest, from: source?[name], to: &inner)
      let leavesNothing = object[name] == nil && inner == .object(JSONObject())
      object[name] = leavesNothing ? nil : inner
    }
    target = .object(object)
  }
}

// SPDX-License-Identifier: Apache-2.0

import LiveBroker

/// Which fields of a setup a token locks (live-api.md A.3, A.6).
struct FieldMask: Sendable, Hashable {
  /// Paths in camelCase, from the setup down.
  let paths: [[String]]

  /// Reads names joined by commas. Nil if one is no field of the setup, or goes through a repeated
  /// field, which the service answers with 400.
  init?(_ text: String) {
    var paths: [[String]] = []
    for name in text.split(separator: ",", omittingEmptySubsequences: false) {
      let path = name.split(separator: ".", omittingEmptySubsequences: false)
        .map { SetupSchema.camelCase($0) }
      guard Self.resolves(path) else { return nil }
      paths.append(path)
    }
    self.paths = paths
  }

  private static func resolves(_ path: [String]) -> Bool {
    var schema = SetupSchema.setup
    for (depth, name) in path.enumerated() {
      switch schema {
      case .message(let fields):
        guard let field = fields[name] else { return false }
        schema = field
      case .map:
        return depth == path.count - 1 && !name.isEmpty
      case .value, .list:
        return false
      }
    }
    return !path.isEmpty
  }

  /// The connection's setup with every locked field replaced by the token's, or removed where the
  /// token has none.
  func lock(_ own: JSONObject, to locked: JSONObject) -> JSONObject {
    paths.reduce(into: own) { Self.copy($1[...], from: locked, to: &$0) }
  }

  private static func copy(
    _ path: ArraySlice<String>, from locked: JSONObject, to own: inout JSONObject
  ) {
    guard let name = path.first else { return }
    guard path.count > 1 else {
      own.setMember(name, locked.member(name))
      return
    }
    let source = locked.member(name)?.objectValue ?? JSONObject()
    let present = own.member(name)?.objectValue
    var inner = present ?? JSONObject()
    copy(path.dropFirst(), from: source, to: &inner)
    if present != nil || !inner.isEmpty { own.setMember(name, .object(inner)) }
  }
}

/// What a token locks: the truth table of live-api.md A.3.
struct SetupLock: Sendable, Hashable {
  /// The token's setup, if it has one.
  var setup: JSONObject?
  /// The token's mask, if it has one.
  var mask: FieldMask?
  /// Tells two locks apart quickly.
  var digest: UInt64 = 0

  var isFree: Bool { setup == nil && mask == nil }

  /// Whether the handle in effect may be another than the connection's own.
  var touchesResumption: Bool {
    guard let mask else { return setup != nil }
    return mask.paths.contains { $0.first == "sessionResumption" }
  }

  /// The setup that takes effect.
  ///
  ///     token's setup   token's mask   in effect
  ///     absent          empty          the connection's own
  ///     present         empty          the token's alone
  ///     present         non-empty      listed fields the token's, all others the connection's
  ///     absent          non-empty      listed fields forced to their default
  func effective(_ own: JSONObject, hidesResumption: Bool) -> JSONObject {
    guard let mask else {
      guard var locked = setup else { return own }
      if !hidesResumption, let resumption = own.member("sessionResumption") {
        locked.setMember("sessionResumption", resumption)
      }
      return locked
    }
    return mask.lock(own, to: setup ?? JSONObject())
  }
}

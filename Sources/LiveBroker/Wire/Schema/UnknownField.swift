// SPDX-License-Identifier: Apache-2.0

/// A member of a message that the schema does not name.
public struct UnknownField: Sendable, Hashable {
  /// Its name, as it came.
  public var name: String
  /// Path of the object that holds it, such as `setup.generationConfig`; empty for the message.
  public var path: String

  /// Makes a field from its parts.
  public init(name: String, path: String) {
    self.name = name
    self.path = path
  }
}

extension ClientMessage {
  /// Every member at any depth that the schema does not name, in the order of the schema.
  ///
  /// The service closes with 1007 (`Unknown name "…" at '…': Cannot find field.`) where this is not
  /// empty; this library itself keeps such members and goes on.
  public var unknownFields: [UnknownField] {
    guard case .unknown(let json) = self else { return inspected.unknownFields }
    let known = ["setup", "clientContent", "realtimeInput", "toolResponse", "contextUpdate"]
    return (json.objectValue?.members ?? []).compactMap { member in
      known.contains(member.name) ? nil : UnknownField(name: member.name, path: "")
    }
  }
}

extension TokenRequestBody {
  /// Every member at any depth that the schema does not name; the service refuses a request that
  /// has one with 400 (live-api.md A.6).
  public var allUnknownFields: [UnknownField] {
    var inspector = MessageInspector()
    inspector.visit(self, at: "")
    return inspector.unknownFields
  }
}

// SPDX-License-Identifier: Apache-2.0

/// A setup that is encoded once and sent often: each connection of a session sends the same setup
/// with another handle, so a reconnect only splices the handle in.
public struct EncodedSetup: Sendable, Hashable {
  /// The members of the setup but for `sessionResumption`, without braces.
  private let members: ArraySlice<UInt8>
  /// The members of `sessionResumption` but for the handle, without braces.
  private let resumptionMembers: ArraySlice<UInt8>

  /// Encodes the setup. A handle in it is left out: ``frame(handle:)`` is told which one to use.
  public init(_ setup: Setup) {
    var resumption = setup.sessionResumption ?? SessionResumptionConfig()
    resumption.handle = nil
    resumptionMembers = resumption.encodedMessage(expected: 32).dropFirst().dropLast()
    var rest = setup
    rest.sessionResumption = nil
    members = rest.encodedMessage(expected: 2048).dropFirst().dropLast()
  }

  /// The first frame of a connection. `sessionResumption` is always there, empty without a handle:
  /// handles come only if the setup asks for them (live-api.md D.3).
  ///
  /// The bytes contain the handle and must not be logged.
  public func frame(handle: Secret?) -> [UInt8] {
    let size = members.count + resumptionMembers.count + (handle?.count ?? 0) + 64
    return ByteWriter.bytes(expected: size) { writer in
      writer.raw("{\"setup\":{")
      members.withUnsafeBytes { writer.raw($0) }
      if !members.isEmpty { writer.raw(UInt8(ascii: ",")) }
      writer.raw("\"sessionResumption\":{")
      resumptionMembers.withUnsafeBytes { writer.raw($0) }
      if let handle, handle.count > 0 {
        if !resumptionMembers.isEmpty { writer.raw(UInt8(ascii: ",")) }
        writer.raw("\"handle\":")
        handle.withUnsafeBytes { writer.string(utf8: $0) }
      }
      writer.raw("}}}")
    }
  }

  /// The inside of the setup without `sessionResumption`, as a JSON object: what a token locks.
  ///
  /// A lock that names `sessionResumption` would replace the handle of each connection.
  public var constraintsJSON: [UInt8] {
    ByteWriter.bytes(expected: members.count + 2) { writer in
      writer.raw(UInt8(ascii: "{"))
      members.withUnsafeBytes { writer.raw($0) }
      writer.raw(UInt8(ascii: "}"))
    }
  }
}

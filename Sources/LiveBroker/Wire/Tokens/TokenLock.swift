// SPDX-License-Identifier: Apache-2.0

/// How much of the setup a token pins; what is not pinned is the connection's own choice.
///
/// It stands for the SDKs' `lockAdditionalFields`. Every lock becomes a mask of names that the
/// service accepts: top-level fields and `generationConfig.x`. None names `sessionResumption`, since
/// a pinned one would take the place of each connection's handle (live-api.md A.3).
public enum TokenLock: Sendable, Hashable {
  /// Every field but `sessionResumption`: what the constraints leave out cannot be set by the
  /// connection either. (`lockAdditionalFields` absent.)
  ///
  /// This differs from the first-party SDKs on purpose. They send no mask here, and by the
  /// documented rule the service then takes the token's setup *alone*: the `sessionResumption` of
  /// each connection is dropped with the rest of its setup, so a handle resumes nothing, and the
  /// conversation ends with its first connection. Here the mask names all other fields: the same is
  /// pinned, and resuming works. A field that the API gains later is in no such mask, unless the
  /// constraints set it.
  case everything
  /// The fields that the constraints set. (`lockAdditionalFields` empty.)
  case fieldsOfSetup
  /// The fields that the constraints set, and the named ones, which fall to their defaults. Names
  /// are top-level fields or fields of `generationConfig`, the latter with or without the prefix.
  case fieldsOfSetupAnd([String])

  /// The mask for a setup, names joined by commas.
  ///
  /// - Throws: ``MintError/Code/invalidRequest`` for a name that cannot be pinned, and for a lock
  ///   that would pin nothing: without a mask the service would pin everything.
  func mask(for setup: Setup) throws(MintError) -> String {
    var names: [String]
    switch self {
    case .everything: names = Self.everyField(of: setup)
    case .fieldsOfSetup: names = Self.setFields(of: setup)
    case .fieldsOfSetupAnd(let additional):
      names = Self.setFields(of: setup)
      for name in additional { names.append(try Self.resolve(name)) }
    }
    let unknown =
      setup.unknownFields.members
      + (setup.generationConfig?.unknownFields.members ?? [])
    guard unknown.allSatisfy({ Self.isFieldName($0.name) }) else {
      throw MintError(
        .invalidRequest, message: "a member of the setup has a name that no mask can hold")
    }
    var seen: Set<String> = []
    names.removeAll { !seen.insert($0).inserted }
    guard !names.isEmpty else {
      throw MintError(.invalidRequest, message: "the lock pins no field of the setup")
    }
    return names.joined(separator: ",")
  }

  /// Whether a name is one word that can stand in a mask. Members that the schema does not know are
  /// named by whoever set them.
  private static func isFieldName(_ name: String) -> Bool {
    !name.isEmpty
      && name.utf8.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"): true
        default: false
        }
      }
  }

  private static let resumption = "sessionResumption"
  /// Tokens exist only on the Developer API, whose setup does not have this field.
  private static let vertexOnly = "explicitVadSignal"

  private static func everyField(of setup: Setup) -> [String] {
    let lister = FieldLister(setup)
    return lister.known.filter { $0 != resumption && $0 != vertexOnly }
      + setup.unknownFields.members.map(\.name)
  }

  private static func setFields(of setup: Setup) -> [String] {
    var names: [String] = []
    for name in FieldLister(setup).present where name != resumption {
      let inner = setup.generationConfig.map { FieldLister($0).present } ?? []
      if name == "generationConfig", !inner.isEmpty {
        names += inner.map { "generationConfig." + $0 }
      } else {
        names.append(name)
      }
    }
    return names
  }

  private static func resolve(_ name: String) throws(MintError) -> String {
    let setup = FieldLister(Setup.blank)
    let generation = FieldLister(GenerationConfig())
    let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    if parts.count == 1, let field = setup.canonicalName(of: parts[0]), field != resumption {
      return field
    }
    let isPrefixed = parts.count == 2 && setup.canonicalName(of: parts[0]) == "generationConfig"
    if parts.count == 1 || isPrefixed,
      let field = generation.canonicalName(of: parts[parts.count - 1])
    {
      return "generationConfig." + field
    }
    throw MintError(
      .invalidRequest,
      message: "\"\(name)\" cannot be locked: name a field of setup or of generationConfig, "
        + "other than sessionResumption")
  }
}

extension TokenConstraints {
  /// The inside of `setup` without its `sessionResumption`, and the mask of the lock.
  ///
  /// - Throws: ``MintError/Code/invalidRequest`` if the lock names what cannot be locked, or
  ///   nothing, and for a setup that ``Setup/validate()`` refuses.
  public init(_ setup: Setup, lock: TokenLock) throws(MintError) {
    do { try setup.validate() } catch {
      throw MintError(.invalidRequest, message: "the setup cannot be sent: \(error)", cause: error)
    }
    self.init(setup: EncodedSetup(setup).constraintsJSON, fieldMask: try lock.mask(for: setup))
  }
}

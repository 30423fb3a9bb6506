// SPDX-License-Identifier: Apache-2.0

import LiveBroker

/// What a setup message says, and what of it takes effect under its token.
extension LiveService {
  func readSetup(
    _ slot: Int, _ payload: UnsafeRawBufferPointer
  ) throws(Refusal) -> AcceptedSetup {
    let lock = tokens[connections.slots[slot].token]?.lock ?? SetupLock()
    let cut = SetupCut(payload, lock: lock.digest)
    if !lock.touchesResumption, let known = knownSetup(cut) { return known }
    let own = try ownSetup(payload)
    let effective = lock.effective(
      own, hidesResumption: configuration.credentials.fullLockHidesResumption)
    let (facts, handle) = SetupFacts.read(effective, rules: configuration.model)
    try check(facts, slot)
    var setup = AcceptedSetup(facts: facts, digest: cut?.digest ?? 0, resume: nil)
    let ownResumption = own.member("sessionResumption")?.objectValue
    setup.isHiddenResume = handle == nil && ownResumption?.member("handle") != nil
    if let handle {
      guard let number = handle.withUnsafeBytes({ handles.number(in: $0) }) else {
        throw notFound
      }
      setup.resume = Self.place(number)
    }
    return setup
  }

  var notFound: Refusal {
    Refusal(configuration.sessions.unknownHandle, cause: .handle)
  }

  /// The setup of a session that comes again with the same bytes around its handle.
  private func knownSetup(_ cut: SetupCut?) -> AcceptedSetup? {
    guard let cut, cut.handle.count > 0, let number = handles.number(in: cut.handle) else {
      return nil
    }
    let place = Self.place(number)
    guard place.session < sessions.count, sessions[place.session].setupDigest == cut.digest,
      cut.digest != 0
    else { return nil }
    return AcceptedSetup(
      facts: sessions[place.session].facts, digest: cut.digest, resume: place)
  }

  /// A handle's number: the session in its upper half, the checkpoint in its lower.
  static func place(_ number: UInt64) -> (session: Int, checkpoint: UInt32) {
    (Int(number >> 32), UInt32(truncatingIfNeeded: number))
  }

  /// The setup as the client wrote it.
  private func ownSetup(_ payload: UnsafeRawBufferPointer) throws(Refusal) -> JSONObject {
    let message: JSONValue
    do throws(WireError) { message = try JSONValue.decode(payload) } catch {
      throw Refusal(.malformedPayload, broken: .malformedMessage)
    }
    guard let object = message.objectValue else {
      throw Refusal(.malformedPayload, broken: .malformedMessage)
    }
    guard object.count == 1, let own = object.member("setup")?.objectValue else {
      throw Refusal(firstMessageNotice(object), broken: .setupOutOfOrder)
    }
    if let unknown = SetupSchema.setup.unknownName(in: own, at: "setup") {
      throw Refusal(.unknownName(unknown.name, at: unknown.place), broken: .malformedMessage)
    }
    do throws(WireError) { _ = try ClientMessage.decode(payload) } catch {
      throw Refusal(.invalidArgument, broken: .malformedMessage)
    }
    return own
  }

  private func firstMessageNotice(_ object: JSONObject) -> CloseNotice {
    let known = ["setup", "clientContent", "realtimeInput", "toolResponse", "contextUpdate"]
    let names = object.members.map(\.name)
    guard let unknown = names.first(where: { !known.contains(SetupSchema.camelCase($0)) }) else {
      return .preconditionFailed
    }
    return .unknownName(unknown, at: nil)
  }

  /// What no handle and no token can change.
  private func check(_ facts: SetupFacts, _ slot: Int) throws(Refusal) {
    let hasToken = connections.slots[slot].token != 0
    let rules = configuration.model
    if facts.model.isEmpty {
      throw Refusal(hasToken ? .projectScoped : .invalidArgument)
    }
    if !rules.exists(facts.model) {
      let version = connections.slots[slot].version
      throw Refusal(hasToken ? .projectScoped : .modelNotFound(facts.model, version: version))
    }
    if facts.options.contains(.answersInText), !rules.speaksText {
      throw Refusal(.modalityUnsupported)
    }
    if facts.options.contains(.transparent), !configuration.sessions.transparentResumption {
      throw Refusal(.invalidArgument)
    }
  }
}

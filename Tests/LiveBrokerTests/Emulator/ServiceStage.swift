// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

@testable import LiveEmulator

/// Drives a service by hand: a clock that is moved, and what came out so far.
struct ServiceStage {
  var service: LiveService
  var now = EngineInstant.zero
  /// The calendar at instant zero.
  let epoch = WallTime(nanosecondsSinceEpoch: 1_900_000_000_000_000_000)
  private(set) var log: [(at: EngineInstant, output: ServiceOutput)] = []

  static let key = Credential.apiKey(Secret("FAKE-API-KEY"))
  static let fullSetup = #"{"model":"models/fixture","sessionResumption":{}}"#

  init(seed: UInt64 = 7, _ configure: (inout ServiceConfiguration) -> Void = { _ in }) {
    var configuration = ServiceConfiguration()
    configure(&configuration)
    service = LiveService(configuration: configuration, seed: seed)
  }

  var wallTime: WallTime { epoch.advanced(by: now.duration(to: .zero) * -1) }

  // MARK: Time

  /// Moves to `duration` later, stopping at every deadline on the way as a driver would.
  mutating func pass(_ duration: Duration) {
    let end = now.advanced(by: duration)
    while let next = service.nextDeadline, next <= end {
      now = max(now, next)
      service.advance(to: now)
      collect()
    }
    now = end
    service.advance(to: end)
    collect()
  }

  mutating func collect() {
    var outputs: [ServiceOutput] = []
    service.takeOutputs(into: &outputs)
    log += outputs.map { (now, $0) }
  }

  // MARK: Client's side

  @discardableResult
  mutating func upgrade(_ id: ConnectionID, _ credential: Credential? = key) -> UpgradeAnswer {
    let answer = service.upgrade(id, credential: credential, at: now)
    collect()
    return answer
  }

  mutating func say(_ id: ConnectionID, _ json: String) {
    let now = now
    Array(json.utf8).withUnsafeBytes { service.received(id, $0, at: now) }
    collect()
  }

  mutating func setup(_ id: ConnectionID, _ setup: String = fullSetup) {
    say(id, #"{"setup":\#(setup)}"#)
  }

  /// Upgrades and sets up, and lets the first handle come.
  mutating func open(
    _ id: ConnectionID, _ credential: Credential? = key, setup json: String = fullSetup
  ) {
    upgrade(id, credential)
    setup(id, json)
    pass(.milliseconds(150))
  }

  mutating func resume(_ id: ConnectionID, handle: String, _ credential: Credential? = key) {
    open(
      id, credential,
      setup: #"{"model":"models/fixture","sessionResumption":{"handle":"\#(handle)"}}"#)
  }

  mutating func text(_ id: ConnectionID, _ text: String) {
    say(id, #"{"realtimeInput":{"text":"\#(text)"}}"#)
  }

  mutating func audio(_ id: ConnectionID, _ bytes: [UInt8]) {
    let message = ClientMessage.realtimeInput(
      RealtimeInput(audio: Blob(mimeType: "audio/pcm;rate=16000", data: bytes)))
    say(id, String(decoding: message.encoded(), as: UTF8.self))
  }

  mutating func close(_ id: ConnectionID, _ code: UInt16 = 1000) {
    service.closeReceived(id, code: code, reason: "", at: now)
    collect()
  }

  mutating func drop(_ id: ConnectionID) {
    service.disconnected(id, at: now)
    collect()
  }

  mutating func inject(_ fault: ServiceFault, _ id: ConnectionID) {
    service.inject(fault, into: id, at: now)
    collect()
  }

  /// Mints; the name of the token, or nil.
  mutating func mint(_ body: String = "", _ credential: Credential? = key) -> Secret? {
    let answer = post(body, credential)
    guard answer.status == 200,
      let name = try? JSONValue(decoding: answer.body)["name"]?.stringValue
    else { return nil }
    return Secret(name)
  }

  mutating func post(_ body: String, _ credential: Credential? = key) -> MintAnswer {
    let answer = service.mint(
      credential: credential, body: Array(body.utf8), at: now, wallTime: wallTime)
    collect()
    return answer
  }

  mutating func token(_ body: String = "") -> Credential? {
    mint(body).map(Credential.ephemeralToken)
  }

  // MARK: What came out

  mutating func forgetLog() { log = [] }

  /// Messages sent on a connection, with their times.
  func timed(_ id: ConnectionID) -> [(at: EngineInstant, json: String)] {
    log.compactMap {
      guard case .send(id, let bytes) = $0.output else { return nil }
      return ($0.at, String(decoding: bytes, as: UTF8.self))
    }
  }

  func sent(_ id: ConnectionID) -> [String] { timed(id).map(\.json) }

  func messages(_ id: ConnectionID) throws -> [ServerMessage] {
    try sent(id).map { try ServerMessage(decoding: Array($0.utf8)) }
  }

  /// The shape of what was sent: one word a message.
  func shape(_ id: ConnectionID) -> String {
    sent(id).map { json in
      for (mark, word) in Self.marks where json.contains(mark) { return word }
      return "?"
    }.joined(separator: " ")
  }

  private static let marks = [
    ("setupComplete", "setup"), ("newHandle", "handle"), ("sessionResumptionUpdate", "none"),
    ("goAway", "goAway"), ("toolCallCancellation", "cancel"), ("toolCall", "call"),
    ("inlineData", "audio"), ("outputTranscription", "said"), ("inputTranscription", "heard"),
    ("\"text\"", "text"), ("generationComplete", "generated"), ("interrupted", "interrupted"),
    ("turnComplete", "turn"),
  ]

  func closes(_ id: ConnectionID) -> [CloseNotice] {
    log.compactMap {
      guard case .close(id, let code, let reason) = $0.output else { return nil }
      return CloseNotice(code: code, reason: reason)
    }
  }

  var closedIDs: Set<ConnectionID> {
    Set(log.compactMap { if case .close(let id, _, _) = $0.output { id } else { nil } })
  }

  func closedAt(_ id: ConnectionID) -> EngineInstant? {
    log.first {
      if case .close(id, _, _) = $0.output { true } else { false }
    }?.at
  }

  func drops() -> [ConnectionID] {
    log.compactMap { if case .drop(let id) = $0.output { id } else { nil } }
  }

  /// The newest handle that was sent on a connection, if any was.
  func newestHandle(_ id: ConnectionID) -> String? {
    let newest = sent(id).last { $0.contains("newHandle") }
    return newest.flatMap {
      try? ServerMessage(decoding: Array($0.utf8)).sessionResumptionUpdate?.newHandle?.reveal()
    }
  }

  func handle(_ id: ConnectionID) throws -> String { try #require(newestHandle(id)) }

  func account(_ session: Int = 0) -> SessionReport { service.report().sessions[session] }

  var broken: [BrokenPromise.Kind] { service.promisesBroken.map(\.kind) }
}

// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import LiveEmulator

/// A service that sends back what it is told to: the least that a network can be tested against.
///
/// A message `flood <n> <size>` is answered with `n` messages of `size` bytes, `drop` with a cut,
/// `bye` with a close frame, `later` with an echo after a second; anything else with itself.
struct EchoService: EmulatedService {
  var answersClose = true
  var refusal: UpgradeAnswer?
  var greeting: [UInt8]?
  var log: [String] = []
  private var outputs: [ServiceOutput] = []
  private var alarms: [(instant: EngineInstant, connection: ConnectionID)] = []

  init() {}

  mutating func mint(
    credential: Credential?, body: [UInt8], at instant: EngineInstant, wallTime: WallTime
  ) -> MintAnswer {
    note("mint \(body.count)", 0, instant)
    return MintAnswer(
      status: 200, body: Array(#"{"name":"auth_tokens/abc"}"#.utf8), date: wallTime)
  }

  mutating func upgrade(
    _ connection: ConnectionID, credential: Credential?, at instant: EngineInstant
  ) -> UpgradeAnswer {
    note("upgrade", connection, instant)
    if let refusal { return refusal }
    if let greeting { outputs.append(.send(connection, greeting)) }
    return .accepted
  }

  mutating func received(
    _ connection: ConnectionID, _ payload: UnsafeRawBufferPointer, at instant: EngineInstant
  ) {
    let text = String(decoding: payload, as: UTF8.self)
    note(text, connection, instant)
    let words = text.split(separator: " ")
    switch words.first {
    case "drop": outputs.append(.drop(connection))
    case "bye": outputs.append(.close(connection, code: 1011, reason: "bye"))
    case "later":
      alarms.append((instant.advanced(by: .seconds(1)), connection))
    case "flood":
      let bytes = [UInt8](repeating: 0x78, count: Int(words[2]) ?? 0)
      for _ in 0..<(Int(words[1]) ?? 0) { outputs.append(.send(connection, bytes)) }
    default: outputs.append(.send(connection, Array(payload)))
    }
  }

  mutating func closeReceived(
    _ connection: ConnectionID, code: UInt16?, reason: String, at instant: EngineInstant
  ) {
    note("close \(code ?? 0)", connection, instant)
    if answersClose { outputs.append(.close(connection, code: code ?? 1005, reason: reason)) }
  }

  mutating func disconnected(_ connection: ConnectionID, at instant: EngineInstant) {
    note("disconnected", connection, instant)
  }

  mutating func advance(to instant: EngineInstant) {
    while let first = alarms.first, first.instant <= instant {
      alarms.removeFirst()
      outputs.append(.send(first.connection, Array("late".utf8)))
    }
  }

  var nextDeadline: EngineInstant? { alarms.first?.instant }

  mutating func takeOutputs(into taken: inout [ServiceOutput]) {
    taken += outputs
    outputs.removeAll()
  }

  private mutating func note(_ what: String, _ connection: ConnectionID, _ instant: EngineInstant) {
    log.append("\(instant.nanoseconds / 1_000_000) #\(connection) \(what)")
  }
}

/// A sink that writes down what it is told, when, and whether in its own executor.
final class RecordingSink: ConnectionSink {
  let lines = Box<[String]>([])
  private let clock: SimulatedClock
  private let executor: any ShardExecutor

  init(_ simulation: Simulation, executor: any ShardExecutor) {
    clock = simulation.clock
    self.executor = executor
  }

  func connection(_ generation: UInt32, received payload: UnsafeRawBufferPointer) {
    add(
      generation,
      payload.count > 40 ? "\(payload.count) bytes" : "\(String(decoding: payload, as: UTF8.self))")
  }

  func connection(_ generation: UInt32, signalled signal: ConnectionSignal) {
    switch signal {
    case .pong: add(generation, "pong")
    case .writable(let writable): add(generation, "writable \(writable)")
    case .closed(let code, let reason): add(generation, "closed \(code ?? 0) \(reason)")
    case .failed(let error): add(generation, "failed \(error.code)")
    }
  }

  private func add(_ generation: UInt32, _ what: String) {
    let place = executor.isCurrent ? "" : " outside"
    lines.update {
      $0.append("\(clock.now.nanoseconds / 1_000_000) g\(generation) \(what)\(place)")
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import LiveEmulator
import Synchronization

/// The far end of the in-memory network, as the conformance suite drives it.
final class EmulatedPeer: ConformancePeer {
  let network: EmulatedNetwork<ScriptedService>
  let endpoint = LiveEndpoint.geminiDeveloper
  let deadEndpoint: LiveEndpoint? = nil
  let abilities: ConformanceAbilities = .callsOnExecutor
  private let patience: Patience
  private let accepted: Transcript<Line>

  init(_ simulation: Simulation) {
    let accepted = Transcript<Line>()
    patience = Patience(
      clock: simulation.clock, executor: simulation.runtime.controlExecutor, limit: .seconds(60))
    self.accepted = accepted
    network = EmulatedNetwork(
      simulation: simulation, service: ScriptedService(accepted: accepted))
  }

  func meetUpgrades(_ answer: ConformanceUpgrade) async {
    network.partition(answer == .ignore ? .both : [])
    network.withService { $0.answer = answer }
  }

  func nextConnection() async -> (any ConformancePeerConnection)? {
    guard let line = await accepted.next(patience) else { return nil }
    return Connection(line: line, peer: self)
  }

  struct Line: Sendable {
    var id: ConnectionID
    var token: String
    var events = Transcript<ConformancePeerEvent>()
  }

  private struct Connection: ConformancePeerConnection {
    let line: Line
    let peer: EmulatedPeer

    var token: String { line.token }

    func nextEvent() async -> ConformancePeerEvent? { await line.events.next(peer.patience) }

    func perform(_ action: ConformancePeerAction) async {
      let id = line.id
      peer.network.withService { service in
        switch action {
        case .send(let bytes, _, _): service.outputs.append(.send(id, bytes))
        case .close(let code, let reason):
          service.outputs.append(.close(id, code: code ?? 1005, reason: reason))
        case .drop: service.outputs.append(.drop(id))
        case .answerCloses(let answers): service.answersCloses = answers
        case .ping, .sendRaw: break
        }
      }
    }
  }
}

/// A service that does what the suite says and reports what it is told.
struct ScriptedService: EmulatedService {
  var answer = ConformanceUpgrade.accept
  var answersCloses = true
  var outputs: [ServiceOutput] = []
  private let accepted: Transcript<EmulatedPeer.Line>
  private var lines: [ConnectionID: EmulatedPeer.Line] = [:]

  init(accepted: Transcript<EmulatedPeer.Line>) { self.accepted = accepted }

  var nextDeadline: EngineInstant? { nil }

  mutating func advance(to instant: EngineInstant) {}

  mutating func mint(
    credential: Credential?, body: [UInt8], at instant: EngineInstant, wallTime: WallTime
  ) -> MintAnswer {
    MintAnswer(status: 404, body: [], date: wallTime)
  }

  mutating func upgrade(
    _ connection: ConnectionID, credential: Credential?, at instant: EngineInstant
  ) -> UpgradeAnswer {
    if case .refuse(let status, let retryAfter) = answer {
      return .refused(status: status, retryAfter: retryAfter)
    }
    let token = if case .ephemeralToken(let token) = credential { token.reveal() } else { "" }
    let line = EmulatedPeer.Line(id: connection, token: token)
    lines[connection] = line
    answersCloses = true
    accepted.append(line)
    if case .acceptAndClose(let code, let reason) = answer {
      outputs.append(.close(connection, code: code, reason: reason))
    }
    return .accepted
  }

  mutating func received(
    _ connection: ConnectionID, _ payload: UnsafeRawBufferPointer, at instant: EngineInstant
  ) {
    lines[connection]?.events.append(.message(Array(payload)))
  }

  mutating func closeReceived(
    _ connection: ConnectionID, code: UInt16?, reason: String, at instant: EngineInstant
  ) {
    lines[connection]?.events.append(.close(code: code, reason: reason))
    guard answersCloses else { return }
    outputs.append(.close(connection, code: code ?? 1000, reason: reason))
    lines[connection]?.events.append(.ended)
  }

  mutating func disconnected(_ connection: ConnectionID, at instant: EngineInstant) {
    lines[connection]?.events.append(.ended)
  }

  mutating func takeOutputs(into taken: inout [ServiceOutput]) {
    taken += outputs
    outputs.removeAll()
  }
}

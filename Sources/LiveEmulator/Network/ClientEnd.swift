// SPDX-License-Identifier: Apache-2.0

internal import LiveBroker

/// Whom the network tells what arrives on one connection, and where.
struct ClientEnd: Sendable {
  enum Event: Sendable {
    case message([UInt8])
    case signal(ConnectionSignal)
  }

  let id: ConnectionID
  private let generation: UInt32
  private let sink: any ConnectionSink
  private let executor: any ShardExecutor
  /// The executor's lane, if it is one of this simulation; then no queue lies in between.
  private let lane: Lane?
  private let core: SimulationCore
  /// Who waits for the outcome of the dial; nil once it has been told.
  var dialling: DialAnswer?
  var isOpen = false

  typealias DialAnswer = @Sendable (Result<any LiveConnection, TransportError>) -> Void

  init(
    id: ConnectionID, request: DialRequest, dialling: @escaping DialAnswer, core: SimulationCore
  ) {
    self.id = id
    self.dialling = dialling
    self.core = core
    generation = request.generation
    sink = request.sink
    executor = request.executor
    lane = (request.executor as? SimulatedExecutor).flatMap { $0.core === core ? $0.lane : nil }
  }

  /// Tells the sink. Called from the network's own step.
  func tell(_ event: Event) { perform { deliver(event) } }

  /// Tells the dial's outcome. Called from the network's own step.
  func answer(_ outcome: Result<any LiveConnection, TransportError>) {
    guard let dialling else { return }
    perform { dialling(outcome) }
  }

  /// Tells that the dial was given up, which can happen anywhere.
  func answerCancelled() {
    guard let dialling else { return }
    executor.execute {
      dialling(.failure(TransportError(.cancelled, message: "The dial was cancelled.")))
    }
  }

  /// Calls `body` inside the connection's executor.
  private func perform(_ body: @escaping @Sendable () -> Void) {
    if let lane {
      core.perform(in: lane, body)
    } else {
      executor.execute(body)
    }
  }

  private func deliver(_ event: Event) {
    switch event {
    case .message(let bytes):
      bytes.withUnsafeBytes { sink.connection(generation, received: $0) }
    case .signal(let signal):
      sink.connection(generation, signalled: signal)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import LiveBroker
import LiveEmulator
import Testing

@Suite("A plain transport on the thread-backed executor", .timeLimit(.minutes(30)))
struct PlainTransportTests {
  @Test("It conforms")
  func conforms() async {
    let runtime = BrokerRuntime.threads(count: 1)
    let executors = runtime.shardExecutors + [runtime.controlExecutor]
    for executor in executors { executor.start() }
    let readiness = Readiness()
    let peer = PlainPeer(readiness, patience: .unhurried)
    let unanswered = "a close that is not answered ends all the same"
    let patient = TransportConformance(
      PlainTransport(readiness, closeTimeout: .unhurried), peer: peer, runtime: runtime,
      patience: .unhurried)
    let hasty = TransportConformance(
      PlainTransport(readiness, closeTimeout: .milliseconds(20)), peer: peer, runtime: runtime,
      patience: .unhurried)
    let narrow = TransportConformance(
      PlainTransport(readiness, closeTimeout: .unhurried, messageLimit: 10_000), peer: peer,
      runtime: runtime, patience: .unhurried, messageLimit: 10_000)
    let tooLarge = "a message over the limit ends the connection as soon as that is known"
    let others = TransportConformance.names.filter { $0 != unanswered && $0 != tooLarge }
    let violations =
      await patient.check(only: others) + hasty.check(only: [unanswered])
      + narrow.check(only: [tooLarge])
    #expect(violations == [])
    peer.close()
    readiness.stop()
    for executor in executors { executor.stop() }
  }
}
#endif

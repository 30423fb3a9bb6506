// SPDX-License-Identifier: Apache-2.0

/// Carries many sessions through every limit of the service, and proves that nothing was lost.
struct TourCommand: DemoCommand {
  static let name = "tour"
  static let summary = "many sessions, carried through every limit of the service and one storm"
  static var flagLines: [String] { TourOptions.flags.helpLines }

  let options: TourOptions

  init(arguments: ArraySlice<String>) throws(UsageError) {
    options = try TourOptions(arguments: arguments)
  }

  func run() async -> ExitStatus {
    do throws(RecordingError) {
      _ = try Recording.load(options.speech)
    } catch {
      Console.complain("--audio: \(error)")
      return .usage
    }
    Console.complain("the tour is not wired to the engine yet")
    return .software
  }
}

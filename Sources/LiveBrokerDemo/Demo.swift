// SPDX-License-Identifier: Apache-2.0

import Foundation

@main
enum Demo {
  static func main() async {
    Console.occupyStandardStreams()
    exit(await status(of: CommandLine.arguments.dropFirst()).code)
  }

  private static func status(of arguments: ArraySlice<String>) async -> ExitStatus {
    do throws(UsageError) {
      switch try CommandLineCall(arguments) {
      case .run(let command):
        return await command.run()
      case .show(let text):
        Console.say(text)
        return .success
      }
    } catch {
      Console.complain("\(error)\nTry 'LiveBrokerDemo --help'.")
      return .usage
    }
  }
}
